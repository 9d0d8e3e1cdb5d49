<#
.SYNOPSIS
Answers a call that still rings, and presses keys.
.PARAMETER Key
Digits, * and #, which ends an entry. Without it, the call is answered and goes on.
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
Send-LocmfaKey '2580#' -User anna
#>
function Send-LocmfaKey {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Position = 0)] [string] $Key,
        [Parameter(ValueFromPipelineByPropertyName = $true)] [string] $Id,
        [string] $Phone,
        [string] $User,
        [double] $TimeoutSeconds = 30,
        $Space
    )
    process {
        if (-not $PSCmdlet.ShouldProcess("$Id$Phone$User", 'Press keys in a call of locmfa')) { return }
        try {
            $challenge = Find-Challenge $Id $Phone $User $TimeoutSeconds $Space
            $acts = @(if ($challenge.state -ne 'answered') { 'answers' })
            if ($Key) { $acts += @{ presses = $Key } }
            Invoke-Act $challenge $Space $acts
        } catch { $PSCmdlet.ThrowTerminatingError($_) }
    }
}
