<#
.SYNOPSIS
Makes a space: users, rules, clock and journal of its own, for one test.
.PARAMETER Name
A text of up to 256 characters that names the test. The server makes the name of the space from it, one that no other
space has. Without it, a random name.
.PARAMETER From
A space to go on from, with its users, rules, states and clock.
.PARAMETER Scenario
The file of a scenario to begin with.
.PARAMETER ScenarioText
The text of a scenario to begin with.
.PARAMETER Current
The commands that follow mean this space where they name none, until Remove-LocmfaSpace.
.PARAMETER Server
The server; without it, the one that was started or found last.
.EXAMPLE
$space = New-LocmfaSpace 'A code expires'
.EXAMPLE
$space = New-LocmfaSpace -Current
The commands that follow mean this space.
#>
function New-LocmfaSpace {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Position = 0)] [string] $Name = ('t' + [guid]::NewGuid().ToString('n')),
        [string] $From,
        [string] $Scenario,
        [string] $ScenarioText,
        [switch] $Current,
        [PSTypeName('Locmfa.Server')] $Server
    )
    try {
        $target = (Resolve-Space $Server).Server
        $body = @{ label = $Name }
        if ($From) { $body.from = $From }
        if ($Scenario) { $ScenarioText = [System.IO.File]::ReadAllText($PSCmdlet.GetUnresolvedProviderPathFromPSPath($Scenario)) }
        if ($ScenarioText) { $body.scenario = $ScenarioText }
        if (-not $PSCmdlet.ShouldProcess($Name, 'Make a space of locmfa')) { return }
        $made = Invoke-LocmfaApi 'POST' '/spaces' $target -Body $body
    } catch { $PSCmdlet.ThrowTerminatingError($_) }
    $service = [uri] $target.Service
    $space = [pscustomobject]@{
        PSTypeName = 'Locmfa.Space'; Name = $made.name; Server = $target; Admin = $target.Admin + $made.path; Authority = $target.Authority
        Service = '{0}://{1}{2}{3}' -f $service.Scheme, $service.Authority, $made.path, $service.AbsolutePath
    }
    if ($Current) { $script:Current = $space }
    $space
}
