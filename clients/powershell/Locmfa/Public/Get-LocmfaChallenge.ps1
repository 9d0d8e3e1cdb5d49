<#
.SYNOPSIS
Lists the people who are being asked now: phones that ring, messages that wait for their reply.
.PARAMETER Phone
Only at this number, in any spelling.
.PARAMETER User
Only of calls for this user.
.PARAMETER Wait
How long to wait where there is none.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Get-LocmfaChallenge -Wait 00:00:30 | Approve-LocmfaChallenge
#>
function Get-LocmfaChallenge {
    [CmdletBinding()]
    param(
        [string] $Phone,
        [string] $User,
        [timespan] $Wait,
        $Space
    )
    $query = @{ phone = $Phone; username = $User }
    $seconds = 0
    if ($PSBoundParameters.ContainsKey('Wait')) { $query.wait = $Wait; $seconds = $Wait.TotalSeconds }
    try { Read-List '/challenges' 'Locmfa.Challenge' $Space -Query $query -Seconds $seconds } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
