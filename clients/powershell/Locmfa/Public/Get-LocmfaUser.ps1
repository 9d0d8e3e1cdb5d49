<#
.SYNOPSIS
Lists users, in the order of their names.
.PARAMETER Username
Which; * stands for anything.
.PARAMETER Where
Further conditions by name, such as @{ mode = 'smsText' }.
.PARAMETER Limit
How many at most.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Get-LocmfaUser a*
#>
function Get-LocmfaUser {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)] [string] $Username,
        [hashtable] $Where = @{},
        [int] $Limit = 100,
        $Space
    )
    try { Read-List '/users' 'Locmfa.User' $Space -Query (Join-Query @{ username = $Username; limit = $Limit } $Where) } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
