<#
.SYNOPSIS
Says yes as the person who is asked: answers and presses #, replies with the code, or approves in the app; with the PIN where it is asked.
.DESCRIPTION
It waits for the question. Where the code of a text message or token is typed elsewhere, the error names it.
.PARAMETER Id
The challenge; without it, the one that is open, or that opens in time.
.PARAMETER Phone
Only at this number, in any spelling.
.PARAMETER User
Only of calls for this user.
.PARAMETER TimeoutSeconds
How long to wait for the challenge.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Approve-LocmfaChallenge -Phone '+1 425 555 0100'
.EXAMPLE
Get-LocmfaChallenge -User anna | Approve-LocmfaChallenge
#>
function Approve-LocmfaChallenge {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(ValueFromPipelineByPropertyName = $true)] [string] $Id,
        [string] $Phone,
        [string] $User,
        [double] $TimeoutSeconds = 30,
        $Space
    )
    process {
        if (-not $PSCmdlet.ShouldProcess("$Id$Phone$User", 'Approve a challenge of locmfa')) { return }
        try { Invoke-Act (Find-Challenge $Id $Phone $User $TimeoutSeconds $Space) $Space 'approve' } catch { $PSCmdlet.ThrowTerminatingError($_) }
    }
}
