<#
.SYNOPSIS
Fails unless the calls were as expected. The error tells what came nearest.
.PARAMETER Where
Conditions by name.
.PARAMETER Exactly
How often. Without a count, once is enough.
.PARAMETER AtLeast
How often at least.
.PARAMETER AtMost
How often at most.
.PARAMETER Name
What the error calls it.
.PARAMETER Within
How far apart the first and the last may be.
.PARAMETER Wait
How long to wait until it is so.
.PARAMETER After
Only what follows this mark of Get-LocmfaMark counts.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Assert-LocmfaCall @{ operation = 'PfAuthUser*'; phone = '+1 425 555 0100'; call_result = 2 } -Exactly 1
#>
function Assert-LocmfaCall {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true, Position = 0)] [hashtable] $Where,
        [ValidateRange(0, 2147483647)] [int] $Exactly,
        [ValidateRange(0, 2147483647)] [int] $AtLeast,
        [ValidateRange(0, 2147483647)] [int] $AtMost,
        [string] $Name,
        [timespan] $Within,
        [timespan] $Wait,
        [string] $After,
        $Space
    )
    $time = if ($PSBoundParameters.ContainsKey('Wait')) { $Wait }
    try { Assert-Expectation (New-Expectation 'call' $Where $PSBoundParameters) $After $time $Space } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
