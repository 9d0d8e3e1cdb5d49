@{
    RootModule           = 'Locmfa.psm1'
    ModuleVersion        = '0.1.0'
    GUID                 = '6f6f2f0e-6a0c-4a7e-9d57-3f5c1f0f8a11'
    Author               = 'locmfa'
    Description          = 'Drives locmfa, which imitates the Web Service SDK of Azure MFA Server, from PowerShell and Pester.'
    PowerShellVersion    = '5.1'
    CompatiblePSEditions = @('Desktop', 'Core')
    FormatsToProcess     = @('Locmfa.Format.ps1xml')
    FunctionsToExport    = @(
        'Add-LocmfaRule',
        'Add-LocmfaUser',
        'Approve-LocmfaChallenge',
        'Assert-LocmfaCall',
        'Assert-LocmfaMessage',
        'Deny-LocmfaChallenge',
        'Get-LocmfaCall',
        'Get-LocmfaChallenge',
        'Get-LocmfaClock',
        'Get-LocmfaIncident',
        'Get-LocmfaMark',
        'Get-LocmfaMessage',
        'Get-LocmfaRule',
        'Get-LocmfaSpace',
        'Get-LocmfaUser',
        'Invoke-LocmfaSdk',
        'New-LocmfaSpace',
        'Receive-LocmfaAnswer',
        'Remove-LocmfaRule',
        'Remove-LocmfaSpace',
        'Remove-LocmfaUser',
        'Reset-LocmfaSpace',
        'Send-LocmfaKey',
        'Set-LocmfaClock',
        'Set-LocmfaUser',
        'Start-LocmfaIncident',
        'Start-LocmfaServer',
        'Stop-LocmfaIncident',
        'Stop-LocmfaServer',
        'Test-LocmfaScenario',
        'Wait-LocmfaMessage',
        'Wait-LocmfaServer'
    )
    CmdletsToExport      = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
    PrivateData          = @{ PSData = @{ Tags = @('MIM', 'MFA', 'Testing') } }
}
