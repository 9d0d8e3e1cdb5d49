<#
.SYNOPSIS
Stops a server in good order.
.DESCRIPTION
A server that Start-LocmfaServer started ends when its standard input ends. One that Wait-LocmfaServer found is asked to
stop. A server that does not end in ten seconds is killed.
.PARAMETER Server
The server; without it, the one that was started or found last.
.PARAMETER All
Every server that this session started.
.EXAMPLE
Stop-LocmfaServer
.EXAMPLE
Stop-LocmfaServer -All
#>
function Stop-LocmfaServer {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(ValueFromPipeline = $true, Position = 0)] [PSTypeName('Locmfa.Server')] $Server,
        [switch] $All
    )
    process {
        $these = @(if ($All) { $script:Servers.ToArray() } elseif ($Server) { $Server } elseif ($script:Current) { $script:Current.Server })
        foreach ($one in $these) {
            if (-not $PSCmdlet.ShouldProcess($one.Admin, 'Stop locmfa')) { continue }
            if ($one.Process) {
                Stop-Program $one.Process
                Remove-Item -LiteralPath $one.Folder -Recurse -Force -ErrorAction SilentlyContinue
            } else {
                try { $null = Invoke-LocmfaApi 'POST' '/stop' $one } catch { $PSCmdlet.WriteError($_) }
            }
            $script:Servers.Remove($one)
            if ($script:Current -and $script:Current.Server -eq $one) { $script:Current = $null }
        }
    }
}
