<#
.SYNOPSIS
Ends the incident that runs. Where none runs, nothing is done.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Stop-LocmfaIncident
#>
function Stop-LocmfaIncident {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param($Space)
    if (-not $PSCmdlet.ShouldProcess('the incident that runs', 'End it')) { return }
    try { $null = Invoke-LocmfaApi 'DELETE' '/incidents' $Space } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
