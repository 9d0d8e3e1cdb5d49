<#
.SYNOPSIS
Removes a space. Calls that wait in it end.
.PARAMETER Space
A space of New-LocmfaSpace.
.EXAMPLE
$space | Remove-LocmfaSpace
#>
function Remove-LocmfaSpace {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param([Parameter(Mandatory = $true, ValueFromPipeline = $true, Position = 0)] [PSTypeName('Locmfa.Space')] $Space)
    process {
        if (-not $PSCmdlet.ShouldProcess($Space.Name, 'Remove the space of locmfa')) { return }
        # The commands that follow mean the server again.
        if ($script:Current -eq $Space) { $script:Current = $Space.Server }
        try { $null = Invoke-LocmfaApi 'DELETE' "/spaces/$($Space.Name)" $Space.Server } catch { $PSCmdlet.WriteError($_) }
    }
}
