<#
.SYNOPSIS
Removes users.
.PARAMETER Username
The account. Letter case makes no difference.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Remove-LocmfaUser anna
.EXAMPLE
Get-LocmfaUser test* | Remove-LocmfaUser
#>
function Remove-LocmfaUser {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipelineByPropertyName = $true)] [string] $Username,
        $Space
    )
    process {
        if (-not $PSCmdlet.ShouldProcess($Username, 'Remove a user of locmfa')) { return }
        try { $null = Invoke-LocmfaApi 'DELETE' "/users/$([uri]::EscapeDataString($Username))" $Space } catch { $PSCmdlet.WriteError($_) }
    }
}
