<#
.SYNOPSIS
Gives a mark of now in the journal of a space, for -After of the other commands.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
$mark = Get-LocmfaMark
#>
function Get-LocmfaMark {
    [CmdletBinding()]
    param($Space)
    try { [string] (Invoke-LocmfaApi 'GET' '/calls' $Space -Query @{ after = 'now' }).next } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
