<#
.SYNOPSIS
Checks a scenario: true where it can serve. Each mistake is a warning with its line.
.PARAMETER Path
The file of the scenario.
.PARAMETER Text
The text of the scenario.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Test-LocmfaScenario .\my.yaml
#>
function Test-LocmfaScenario {
    [CmdletBinding(DefaultParameterSetName = 'Path')]
    param(
        [Parameter(Mandatory = $true, Position = 0, ParameterSetName = 'Path')] [Alias('FullName')] [string] $Path,
        [Parameter(Mandatory = $true, ParameterSetName = 'Text')] [string] $Text,
        $Space
    )
    try {
        if ($PSCmdlet.ParameterSetName -eq 'Path') { $Text = [System.IO.File]::ReadAllText($PSCmdlet.GetUnresolvedProviderPathFromPSPath($Path)) }
        $report = Invoke-LocmfaApi 'POST' '/scenario/check' $Space -Body $Text
        foreach ($mistake in @($report.mistakes)) { if ($mistake) { Write-Warning (Format-Mistake $mistake) } }
        [bool] $report.serves
    } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
