<#
.SYNOPSIS
Starts a space over from the loaded scenario. Calls that wait in it end.
.PARAMETER Space
A space of New-LocmfaSpace.
.EXAMPLE
Reset-LocmfaSpace $space
#>
function Reset-LocmfaSpace {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param([Parameter(Mandatory = $true, ValueFromPipeline = $true, Position = 0)] [PSTypeName('Locmfa.Space')] $Space)
    process {
        if (-not $PSCmdlet.ShouldProcess($Space.Name, 'Reset the space of locmfa')) { return }
        try { $null = Invoke-LocmfaApi 'POST' "/spaces/$($Space.Name)/reset" $Space.Server } catch { $PSCmdlet.WriteError($_) }
    }
}
