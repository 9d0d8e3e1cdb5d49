<#
.SYNOPSIS
Lists the incidents that can begin; each says whether it runs.
.PARAMETER Running
The incident that runs, with its end and its hits; nothing where none runs.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Get-LocmfaIncident
.EXAMPLE
(Get-LocmfaIncident -Running).until
#>
function Get-LocmfaIncident {
    [CmdletBinding()]
    param([switch] $Running, $Space)
    try {
        if (-not $Running) { return Read-List '/incidents' 'Locmfa.Incident' $Space }
        $found = (Invoke-LocmfaApi 'GET' '/incidents' $Space).running
        if ($null -ne $found) { ConvertTo-Item $found 'Locmfa.RunningIncident' }
    } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
