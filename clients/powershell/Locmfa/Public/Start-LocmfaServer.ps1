<#
.SYNOPSIS
Starts locmfa and waits until it answers.
.DESCRIPTION
The server ends with Stop-LocmfaServer, when the module is removed, and when PowerShell ends, however it ends. A scenario with
mistakes is an error that names each of them. The other commands then mean this server.
.PARAMETER Scenario
The scenario file. Without one, the built-in scenario is served.
.PARAMETER Program
The program; without it, what the environment variable LOCMFA_PROGRAM names, else locmfa on the path.
.PARAMETER Port
The port of the service; 0 lets the system choose one, so that servers run side by side.
.PARAMETER AdminPort
The port of the admin API; 0 lets the system choose one.
.PARAMETER Seed
Fixes what the server draws, so that a run repeats. The server that is returned has the seed of its run.
.PARAMETER ArgumentList
Further arguments of locmfa serve.
.PARAMETER TimeoutSeconds
How long the server may take until it answers.
.EXAMPLE
Start-LocmfaServer
Starts the built-in scenario on ports that are free.
.EXAMPLE
Start-LocmfaServer .\my.yaml -Port 9999 -AdminPort 9998
Starts a scenario on the ports that MIM and the documentation know.
#>
function Start-LocmfaServer {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Position = 0)] [Alias('FullName')] [string] $Scenario,
        [string] $Program = $(if ($env:LOCMFA_PROGRAM) { $env:LOCMFA_PROGRAM } else { 'locmfa' }),
        [ValidateRange(0, 65535)] [int] $Port = 0,
        [ValidateRange(0, 65535)] [int] $AdminPort = 0,
        [Nullable[uint64]] $Seed,
        [string[]] $ArgumentList = @(),
        [ValidateRange(0, 3600)] [double] $TimeoutSeconds = 30
    )
    $command = Get-Command -Name $Program -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if (-not $command) { $PSCmdlet.ThrowTerminatingError((New-Record "There is no program '$Program'. Give -Program, or set the environment variable LOCMFA_PROGRAM to its path." 'NoProgram' 'ObjectNotFound' $Program)) }
    $folder = Join-Path ([System.IO.Path]::GetTempPath()) ('locmfa-' + [guid]::NewGuid().ToString('n'))
    $ready = Join-Path $folder 'ready.json'
    $server = [pscustomobject]@{
        PSTypeName = 'Locmfa.Server'; Name = 'default'; Service = $null; Admin = $null; Authority = $null; ProcessId = 0; Seed = $null
        Folder = $folder; Log = (Join-Path $folder 'log.txt'); Process = $null; Errors = $null; Output = $null; Token = $null; Server = $null
    }
    $server.Server = $server
    $arguments = @('serve')
    # The current folder of .NET is not that of PowerShell: the path is made whole here.
    if ($Scenario) { $arguments += $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Scenario) }
    $arguments += '--listen', "127.0.0.1:$Port", '--admin', "127.0.0.1:$AdminPort", '--certs', (Join-Path $folder 'certs')
    $arguments += '--log-file', $server.Log, '--ready-file', $ready, '--exit-with-stdin'
    if ($null -ne $Seed) { $arguments += '--seed', "$Seed" }
    $arguments += $ArgumentList
    if (-not $PSCmdlet.ShouldProcess("127.0.0.1:$Port", "Start $($command.Source)")) { return }
    $null = New-Item -ItemType Directory -Path $folder -Force
    $server.Process = Start-Program $command.Source $arguments
    $server.ProcessId = $server.Process.Id
    $server.Errors = $server.Process.StandardError.ReadToEndAsync()
    $server.Output = $server.Process.StandardOutput.ReadToEndAsync()
    $null = $script:Servers.Add($server)
    $until = [datetime]::UtcNow.AddSeconds($TimeoutSeconds)
    while (-not (Test-Path -LiteralPath $ready)) {
        $record = $null
        if ($server.Process.WaitForExit(50)) { $record = New-EndedRecord $server 'locmfa did not start' }
        elseif ([datetime]::UtcNow -gt $until) {
            $record = New-Record "locmfa (process $($server.ProcessId)) was not ready in $TimeoutSeconds s. $(Get-LogTail $server)" 'NotReady' 'OperationTimeout' $server
        }
        if ($record) {
            Stop-LocmfaServer $server -Confirm:$false
            $PSCmdlet.ThrowTerminatingError($record)
        }
    }
    $addresses = Get-Content -LiteralPath $ready -Raw -Encoding UTF8 | ConvertFrom-Json
    $server.Service = $addresses.service
    # Windows tries ::1 first for localhost, and the API listens on 127.0.0.1 alone.
    $server.Admin = $addresses.admin -replace '//localhost:', '//127.0.0.1:'
    $server.Authority = $addresses.authority
    $server.Seed = $addresses.seed
    $script:Current = $server
    $server
}
