# Words that a person need not type.

if (Get-Command -Name Register-ArgumentCompleter -ErrorAction SilentlyContinue) {
    $outcomes = {
        param($command, $parameter, $word)
        'approve', 'deny', 'no-answer', 'wrong-pin', 'wrong-code', 'fraud', 'busy', 'voicemail', 'hung-up', 'unreachable', 'no-input', 'text-not-sent' |
            Where-Object { $_ -like "$word*" }
    }
    $modes = {
        param($command, $parameter, $word)
        'voiceCall', 'smsText', 'phoneApp', 'oathToken' | Where-Object { $_ -like "$word*" }
    }
    $operations = {
        param($command, $parameter, $word)
        'PfAuthUser_5', 'PfAuthUser_4', 'ValidatePasscode', 'ValidateOathCode', 'UserExists', 'GetUserSettings_5', 'TestSecurity' | Where-Object { $_ -like "$word*" }
    }
    Register-ArgumentCompleter -CommandName 'Add-LocmfaRule' -ParameterName Outcome -ScriptBlock $outcomes
    Register-ArgumentCompleter -CommandName 'Add-LocmfaUser', 'Set-LocmfaUser' -ParameterName Mode -ScriptBlock $modes
    Register-ArgumentCompleter -CommandName 'Invoke-LocmfaSdk', 'Add-LocmfaRule', 'Get-LocmfaCall' -ParameterName Operation -ScriptBlock $operations
}
