<#
.SYNOPSIS
Lists the spaces of a server.
.PARAMETER Server
The server; without it, the one that was started or found last.
.EXAMPLE
Get-LocmfaSpace | Where-Object waiting -gt 0
#>
function Get-LocmfaSpace {
    [CmdletBinding()]
    param([PSTypeName('Locmfa.Server')] $Server)
    try { Read-List '/spaces' 'Locmfa.SpaceInfo' (Resolve-Space $Server).Server } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
