# Runs the tests of the module under the Pester that is installed, and prints a line for each.
if (-not (Get-Module -ListAvailable Pester | Where-Object { $_.Version -ge [version] '5.0' })) {
    'FAILED  Pester 5 or 6 is not installed: Install-Module Pester -Scope CurrentUser'
    exit 0
}
Import-Module Pester -MinimumVersion 5.0
$run = Invoke-Pester -Path (Join-Path $PSScriptRoot '../../clients/powershell/Tests') -PassThru -Output None
foreach ($test in $run.Tests) {
    if ($test.Result -eq 'Passed') { "ok      $($test.ExpandedPath)" } else { "FAILED  $($test.ExpandedPath)"; "        $($test.ErrorRecord)" }
}
