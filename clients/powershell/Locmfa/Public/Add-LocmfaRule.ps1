<#
.SYNOPSIS
Adds a rule before all others: what happens to the calls that match it.
.PARAMETER Outcome
How the calls end, such as busy, no-answer or wrong-pin.
.PARAMETER User
Only calls for this user.
.PARAMETER Phone
Only calls at this number, in any spelling.
.PARAMETER Operation
Only this operation; * stands for anything.
.PARAMETER After
How long it takes until the call ends.
.PARAMETER PersonDecides
The calls wait for Approve-LocmfaChallenge, Deny-LocmfaChallenge or Send-LocmfaKey.
.PARAMETER Within
How long a call waits for the person.
.PARAMETER Rule
A rule as in a scenario: a hashtable, or YAML as a text.
.PARAMETER Name
What the rule is called.
.PARAMETER Times
How many calls it decides before it goes.
.PARAMETER Lasts
How long it stays.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Add-LocmfaRule busy -Phone '+1 425 555 0100' -Times 2
.EXAMPLE
Add-LocmfaRule -User anna -PersonDecides -Within 00:00:30
.EXAMPLE
Add-LocmfaRule -Rule '{when: {user: anna}, error: {code: 9999, text: not licensed}}'
#>
function Add-LocmfaRule {
    [CmdletBinding(SupportsShouldProcess = $true, DefaultParameterSetName = 'Outcome')]
    param(
        [Parameter(ParameterSetName = 'Outcome', Position = 0)] [string] $Outcome,
        [Parameter(ParameterSetName = 'Outcome')] [string] $User,
        [Parameter(ParameterSetName = 'Outcome')] [string] $Phone,
        [Parameter(ParameterSetName = 'Outcome')] [string] $Operation,
        [Parameter(ParameterSetName = 'Outcome')] [timespan] $After,
        [Parameter(ParameterSetName = 'Outcome')] [switch] $PersonDecides,
        [Parameter(ParameterSetName = 'Outcome')] [timespan] $Within,
        [Parameter(ParameterSetName = 'Outcome')] [string] $Name,
        [Parameter(Mandatory = $true, ParameterSetName = 'Rule')] $Rule,
        [ValidateRange(1, 1000000)] [int] $Times,
        [timespan] $Lasts,
        $Space
    )
    if ($PSCmdlet.ParameterSetName -eq 'Outcome') {
        $Rule = @{}
        $when = @{}
        if ($User) { $when.user = $User }
        if ($Phone) { $when.phone = $Phone }
        if ($Operation) { $when.operation = $Operation }
        if ($when.Count) { $Rule.when = $when }
        if ($Name) { $Rule.name = $Name }
        if ($Outcome) { $Rule.outcome = $Outcome }
        if ($PersonDecides) { $Rule.person = 'decides' }
        if ($PSBoundParameters.ContainsKey('After')) { $Rule.after = $After }
        if ($PSBoundParameters.ContainsKey('Within')) { $Rule.within = $Within }
    }
    $query = @{}
    if ($PSBoundParameters.ContainsKey('Times')) { $query.times = $Times }
    if ($PSBoundParameters.ContainsKey('Lasts')) { $query.lasts = $Lasts }
    if (-not $PSCmdlet.ShouldProcess("$Name $Outcome".Trim(), 'Add a rule to locmfa')) { return }
    try { ConvertTo-Item (Invoke-LocmfaApi 'POST' '/rules' $Space -Query $query -Body $Rule) 'Locmfa.Rule' } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
