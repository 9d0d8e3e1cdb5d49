<#
.SYNOPSIS
Removes rules.
.PARAMETER Name
The name of the rule.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Add-LocmfaRule busy | Remove-LocmfaRule
#>
function Remove-LocmfaRule {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipelineByPropertyName = $true)] [string] $Name,
        $Space
    )
    process {
        if (-not $PSCmdlet.ShouldProcess($Name, 'Remove a rule of locmfa')) { return }
        try { $null = Invoke-LocmfaApi 'DELETE' "/rules/$([uri]::EscapeDataString($Name))" $Space } catch { $PSCmdlet.WriteError($_) }
    }
}
