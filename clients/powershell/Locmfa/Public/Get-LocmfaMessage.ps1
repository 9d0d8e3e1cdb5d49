<#
.SYNOPSIS
Lists the messages that the service sent, the oldest first.
.PARAMETER To
Only to this number or mail address.
.PARAMETER User
Only of calls for this user.
.PARAMETER Where
Further conditions by name, such as @{ medium = 'text' }; * stands for anything.
.PARAMETER After
Only what follows this mark of Get-LocmfaMark.
.PARAMETER Limit
How many at most: the newest, or after a mark the next.
.PARAMETER Wait
How long to wait where there is none.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Get-LocmfaMessage -To '+1 425 555 0100'
#>
function Get-LocmfaMessage {
    [CmdletBinding()]
    param(
        [string] $To,
        [string] $User,
        [hashtable] $Where = @{},
        [string] $After,
        [int] $Limit = 100,
        [timespan] $Wait,
        $Space
    )
    $query = Join-Query @{ to = $To; username = $User; after = $After; limit = $Limit } $Where
    $seconds = 0
    if ($PSBoundParameters.ContainsKey('Wait')) { $query.wait = $Wait; $seconds = $Wait.TotalSeconds }
    try { Read-List '/messages' 'Locmfa.Message' $Space -Query $query -Seconds $seconds } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
