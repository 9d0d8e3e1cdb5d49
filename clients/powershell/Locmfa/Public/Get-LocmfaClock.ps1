<#
.SYNOPSIS
Tells what time it is in a space, and how it passes.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
(Get-LocmfaClock).now
#>
function Get-LocmfaClock {
    [CmdletBinding()]
    param($Space)
    try { ConvertTo-Item (Invoke-LocmfaApi 'GET' '/clock' $Space) 'Locmfa.Clock' } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
