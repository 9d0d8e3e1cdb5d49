# Loads the module: one file for each command in Public, what they share in Private. ASCII, and no syntax beyond Windows
# PowerShell 5.1.
Set-StrictMode -Version 2.0

# The servers that this session started, and what a command means that names no -Space.
$script:Servers = New-Object System.Collections.ArrayList
$script:Current = $null
# For each space, by its address: the messages that Wait-LocmfaMessage has given.
$script:Given = @{}

foreach ($folder in 'Private', 'Public') {
    foreach ($file in Get-ChildItem -Path (Join-Path $PSScriptRoot $folder) -Filter '*.ps1') { . $file.FullName }
}

# Windows PowerShell reports no event when it is killed; then the server sees the end of its standard input.
$ExecutionContext.SessionState.Module.OnRemove = { Stop-LocmfaServer -All -Confirm:$false }
$null = Register-EngineEvent -SourceIdentifier PowerShell.Exiting -SupportEvent -Action { Get-Module Locmfa | Remove-Module }

Export-ModuleMember -Function (Get-ChildItem -Path (Join-Path $PSScriptRoot 'Public') -Filter '*.ps1').BaseName
