<#
.SYNOPSIS
Lets the clock of a space stand still, go, or jump.
.PARAMETER Frozen
It stands still, but where a test moves it.
.PARAMETER Real
It goes as in the world.
.PARAMETER Auto
It jumps to the next thing that an open call waits for, so that no call takes time.
.PARAMETER Rate
It goes so many times as fast as in the world.
.PARAMETER Advance
It jumps by this length.
.PARAMETER To
It jumps to this moment, which is still to come.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Set-LocmfaClock -Frozen; Set-LocmfaClock -Advance 00:06:00
#>
function Set-LocmfaClock {
    [CmdletBinding(SupportsShouldProcess = $true, DefaultParameterSetName = 'Real')]
    param(
        [Parameter(ParameterSetName = 'Frozen')] [switch] $Frozen,
        [Parameter(ParameterSetName = 'Real')] [switch] $Real,
        [Parameter(ParameterSetName = 'Auto')] [switch] $Auto,
        [Parameter(Mandatory = $true, ParameterSetName = 'Rate')] [double] $Rate,
        [Parameter(Mandatory = $true, ParameterSetName = 'Advance')] [timespan] $Advance,
        [Parameter(Mandatory = $true, ParameterSetName = 'To')] [datetime] $To,
        $Space
    )
    if (-not $PSCmdlet.ShouldProcess('clock of locmfa', $PSCmdlet.ParameterSetName)) { return }
    try {
        $clock = switch ($PSCmdlet.ParameterSetName) {
            'Rate' { Invoke-LocmfaApi 'PUT' '/clock' $Space -Body @{ pace = 'real'; rate = $Rate } }
            'Advance' { Invoke-LocmfaApi 'POST' '/clock/advance' $Space -Body @{ by = $Advance } }
            'To' { Invoke-LocmfaApi 'POST' '/clock/advance' $Space -Body @{ to = $To } }
            default { Invoke-LocmfaApi 'PUT' '/clock' $Space -Body @{ pace = $PSCmdlet.ParameterSetName.ToLowerInvariant() } }
        }
        ConvertTo-Item $clock 'Locmfa.Clock'
    } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
