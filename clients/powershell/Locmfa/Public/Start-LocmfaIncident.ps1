<#
.SYNOPSIS
Begins an incident: what goes wrong for a while. It ends by itself, and leaves nothing behind.
.PARAMETER Name
The name of the incident, such as service-restarted.
.PARAMETER Lasts
How long it runs, by the clock of the space; 15 minutes where it is left out.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Start-LocmfaIncident service-restarted
.EXAMPLE
Start-LocmfaIncident password-expired -Lasts 00:05:00
#>
function Start-LocmfaIncident {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipelineByPropertyName = $true)] [string] $Name,
        [timespan] $Lasts,
        $Space
    )
    process {
        $query = @{}
        if ($PSBoundParameters.ContainsKey('Lasts')) { $query.lasts = $Lasts }
        if (-not $PSCmdlet.ShouldProcess($Name, 'Begin an incident of locmfa')) { return }
        try { ConvertTo-Item (Invoke-LocmfaApi 'POST' "/incidents/$([uri]::EscapeDataString($Name))" $Space -Query $query) 'Locmfa.RunningIncident' } catch { $PSCmdlet.WriteError($_) }
    }
}
