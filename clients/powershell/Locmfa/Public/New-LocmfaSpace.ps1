<#
.SYNOPSIS
Makes a space: users, rules, clock and journal of its own, for one test.
.PARAMETER Name
A text that names the test. One that no space can have as its name is shortened. Without it, a random name.
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
        $body = @{}
        if ($From) { $body.from = $From }
        if ($Scenario) { $ScenarioText = [System.IO.File]::ReadAllText($PSCmdlet.GetUnresolvedProviderPathFromPSPath($Scenario)) }
        if ($ScenarioText) { $body.scenario = $ScenarioText }
        $safe = ConvertTo-SpaceName $Name
        if (-not $PSCmdlet.ShouldProcess($safe, 'Make a space of locmfa')) { return }
        # PUT without a body tells of a space that is there; a test must not share one unseen.
        $there = @((Invoke-LocmfaApi 'GET' '/spaces' $target).items | Where-Object { $_.name -eq $safe })
        if ($there.Count) { throw (New-Record "There is a space $safe already: another test uses it, or did not remove it. Give each test a name of its own, or none." 'SpaceExists' 'ResourceExists' $Name) }
        $made = Invoke-LocmfaApi 'PUT' "/spaces/$safe" $target -Body $body
    } catch { $PSCmdlet.ThrowTerminatingError($_) }
    $service = [uri] $target.Service
    $space = [pscustomobject]@{
        PSTypeName = 'Locmfa.Space'; Name = $made.name; Server = $target; Admin = $target.Admin + $made.path; Authority = $target.Authority
        Service = '{0}://{1}{2}{3}' -f $service.Scheme, $service.Authority, $made.path, $service.AbsolutePath
    }
    if ($Current) { $script:Current = $space }
    $space
}
