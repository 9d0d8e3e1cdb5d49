<#
.SYNOPSIS
Lists the rules: the first that matches a call decides it.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Get-LocmfaRule
#>
function Get-LocmfaRule {
    [CmdletBinding()]
    param($Space)
    try { Read-List '/rules' 'Locmfa.Rule' $Space } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
