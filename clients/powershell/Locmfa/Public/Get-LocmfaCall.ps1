<#
.SYNOPSIS
Lists the calls of the service, the oldest first.
.PARAMETER Operation
Only this operation; * stands for anything.
.PARAMETER User
Only calls for this user.
.PARAMETER Phone
Only calls with this number, in any spelling.
.PARAMETER Where
Further conditions by name, such as @{ call_result = 101; 'fields.requireUserMatch' = $true }; * stands for anything.
.PARAMETER After
Only what follows this mark of Get-LocmfaMark.
.PARAMETER Limit
How many at most: the newest, or after a mark the next.
.PARAMETER Wait
How long to wait where there is none.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Get-LocmfaCall -Operation PfAuthUser* | Where-Object call_result -eq 101
#>
function Get-LocmfaCall {
    [CmdletBinding()]
    param(
        [string] $Operation,
        [string] $User,
        [string] $Phone,
        [hashtable] $Where = @{},
        [string] $After,
        [int] $Limit = 100,
        [timespan] $Wait,
        $Space
    )
    $query = Join-Query @{ operation = $Operation; username = $User; phone = $Phone; after = $After; limit = $Limit } $Where
    $seconds = 0
    if ($PSBoundParameters.ContainsKey('Wait')) { $query.wait = $Wait; $seconds = $Wait.TotalSeconds }
    try { Read-List '/calls' 'Locmfa.Call' $Space -Query $query -Seconds $seconds } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
