# Processes of locmfa, and what they logged.

# The last lines that a server logged.
function Get-LogTail($Server, [int] $Count = 12) {
    if (-not $Server.Log -or -not (Test-Path -LiteralPath $Server.Log)) { return '' }
    @(Get-Content -LiteralPath $Server.Log -Encoding UTF8 -Tail $Count -ErrorAction SilentlyContinue) -join [System.Environment]::NewLine
}

# Why a server that has ended is not there: its exit code, what it said on standard error, and its last lines.
function New-EndedRecord($Server, [string] $What) {
    $process = $Server.Process
    # Standard error ends a moment after the process.
    $null = Wait-Task $Server.Errors 5
    $said = if ($Server.Errors.IsCompleted) { $Server.Errors.Result.Trim() } else { '' }
    $code = $process.ExitCode
    if ($code -eq 2 -and $said -like '*--exit-with-stdin*') {
        return New-Record "The program $($process.StartInfo.FileName) is older than this module: it does not know --exit-with-stdin. Install the version of locmfa that the module came with, or a later one." 'TooOld' 'NotInstalled' $Server
    }
    $categories = @{ 1 = 'InvalidData'; 2 = 'InvalidArgument'; 3 = 'ResourceUnavailable' }
    $category = if ($categories.ContainsKey($code)) { $categories[$code] } else { 'OperationStopped' }
    $lines = @("${What}: its exit code is $code. It said:"; $said; (Get-LogTail $Server)) | Where-Object { $_ }
    New-Record ($lines -join [System.Environment]::NewLine) 'ServerEnded' $category $Server
}

# Starts the process. Its standard input stays open: when it ends, because this process closes it or is gone, the server
# stops. Its output is read to the end by .NET, since a full pipe would lose lines.
function Start-Program([string] $Program, [string[]] $Arguments) {
    $start = New-Object System.Diagnostics.ProcessStartInfo
    $start.FileName = $Program
    $start.Arguments = @($Arguments | ForEach-Object { ConvertTo-Argument $_ }) -join ' '
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $start.StandardOutputEncoding = [System.Text.Encoding]::UTF8
    $start.StandardErrorEncoding = [System.Text.Encoding]::UTF8
    $process = New-Object System.Diagnostics.Process
    $process.StartInfo = $start
    $null = $process.Start()
    $process
}

# Ends a process of Start-Program in good order, or kills it where that takes too long.
function Stop-Program($Process, [double] $Seconds = 10) {
    if ($Process.HasExited) { return }
    try { $Process.StandardInput.Close() } catch { Write-Verbose "Standard input of process $($Process.Id) was closed before." }
    $until = [datetime]::UtcNow.AddSeconds($Seconds)
    while (-not $Process.WaitForExit(100)) {
        if ([datetime]::UtcNow -gt $until) { $Process.Kill(); $null = $Process.WaitForExit(5000) }
    }
}
