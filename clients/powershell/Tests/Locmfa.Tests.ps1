# The story of a consultant's tests, and what the module promises. Runs under Pester 5 and 6, with nothing else:
#     $env:LOCMFA_PROGRAM = 'C:\path\to\locmfa.exe'; Invoke-Pester ./Locmfa.Tests.ps1
BeforeAll {
    Import-Module (Join-Path $PSScriptRoot '../Locmfa/Locmfa.psd1') -Force
    # NTLM needs a package of its own where the system is not Windows.
    if ($env:OS -ne 'Windows_NT') { $PSDefaultParameterValues['Invoke-LocmfaSdk:Authentication'] = 'Basic' }
    $script:mim = 'mimservice@contoso.com'
    $script:server = Start-LocmfaServer
    function script:Get-Gate([string] $Mode, [string] $Number) {
        @{ username = $script:mim; initiatingAuthenticationType = 'pfsdk'; requireUserMatch = $true; mode = $Mode; countryCode = '1'; phoneNumber = $Number }
    }
}
AfterAll { Stop-LocmfaServer -All; Get-Module Locmfa | Remove-Module }

Describe 'Text gate' {
    BeforeEach { $space = New-LocmfaSpace -Current }
    AfterEach { $space | Remove-LocmfaSpace }

    It 'sends a code, refuses a wrong one and takes the right one' {
        (Invoke-LocmfaSdk PfAuthUser_5 (Get-Gate smsText 4255550150)).CallResult | Should -Be 20
        $message = Wait-LocmfaMessage '+1 425 555 0150'
        (Invoke-LocmfaSdk ValidatePasscode @{ username = $mim; passcode = '000000' }).Error | Should -Be 9011
        (Invoke-LocmfaSdk ValidatePasscode @{ username = $mim; passcode = $message.code }).Result | Should -BeTrue
        Assert-LocmfaMessage @{ to = '+1 425 555 0150' } -Exactly 1
        Assert-LocmfaCall @{ operation = 'ValidatePasscode'; outcome = 'true*' } -Exactly 1
    }
    It 'lets the code expire' {
        $null = Set-LocmfaClock -Frozen
        $null = Invoke-LocmfaSdk PfAuthUser_5 (Get-Gate smsText 4255550151)
        $message = Wait-LocmfaMessage
        $null = Set-LocmfaClock -Advance 00:06:00
        (Invoke-LocmfaSdk ValidatePasscode @{ username = $mim; passcode = $message.code }).Error | Should -Be 9010
    }
    It 'gives each message once' {
        1..2 | ForEach-Object { $null = Invoke-LocmfaSdk PfAuthUser_5 (Get-Gate smsText 4255550152) }
        $first = Wait-LocmfaMessage '+1 425 555 0152'
        $second = Wait-LocmfaMessage '(425) 555-0152'
        $second.seq | Should -BeGreaterThan $first.seq
        { Wait-LocmfaMessage -TimeoutSeconds 0.1 } | Should -Throw -ErrorId 'Locmfa.NoMessage,Wait-LocmfaMessage'
    }
    It 'tells what came nearest where an expectation fails' {
        $null = Invoke-LocmfaSdk PfAuthUser_5 (Get-Gate smsText 4255550153)
        { Assert-LocmfaCall @{ operation = 'PfAuthUser_5'; call_result = 2 } } |
            Should -Throw -ExpectedMessage '*expected 2, was 20*' -ErrorId 'Locmfa.AssertFailed,Assert-LocmfaCall'
    }
    It 'names the code where a person approves a message that has no reply' {
        $null = Invoke-LocmfaSdk PfAuthUser_5 (Get-Gate smsText 4255550154)
        { Approve-LocmfaChallenge } | Should -Throw -ExpectedMessage "*$((Get-LocmfaMessage).code)*" -ErrorId 'Locmfa.refused,Approve-LocmfaChallenge'
    }
}

Describe 'Phone gate' {
    BeforeEach { $space = New-LocmfaSpace -Current }
    AfterEach { $space | Remove-LocmfaSpace }

    It 'is busy, and then approved, and then denied by the person' {
        $null = Add-LocmfaRule -PersonDecides
        $null = Add-LocmfaRule busy -After 00:00:00 -Times 1
        $gate = Get-Gate voiceCall 4255550155
        (Invoke-LocmfaSdk PfAuthUser_5 $gate).CallResult | Should -Be 101
        $call = Invoke-LocmfaSdk PfAuthUser_5 $gate -NoWait
        (Approve-LocmfaChallenge).call_result | Should -Be 2
        (Receive-LocmfaAnswer $call).Result | Should -BeTrue
        $call = Invoke-LocmfaSdk PfAuthUser_5 $gate -NoWait
        $null = Deny-LocmfaChallenge
        (Receive-LocmfaAnswer $call).CallResult | Should -Be 108
    }
    It 'is in trouble while an incident runs' {
        $null = Start-LocmfaIncident carrier-busy -Lasts 00:05:00
        (Get-LocmfaIncident -Running).name | Should -Be 'carrier-busy'
        Stop-LocmfaIncident
        Get-LocmfaIncident -Running | Should -BeNullOrEmpty
    }
    It 'takes keys' {
        $null = Add-LocmfaUser eva -Phone '+1 425 555 0156' -Pin 2580 -Property @{ pin_mode = 'pin' }
        $null = Add-LocmfaRule -User eva -PersonDecides
        $call = Invoke-LocmfaSdk PfAuthUser_4 @{ username = 'eva' } -NoWait
        (Send-LocmfaKey '25').open | Should -BeTrue
        (Send-LocmfaKey '80#').call_result | Should -Be 1
        (Receive-LocmfaAnswer $call).CallResult | Should -Be 1
    }
    It 'says which people are asked where there are several' {
        $null = Add-LocmfaRule -PersonDecides
        $calls = 'anna', 'ben' | ForEach-Object { Invoke-LocmfaSdk PfAuthUser_4 @{ username = $_ } -NoWait }
        foreach ($name in 'anna', 'ben') { $null = Get-LocmfaChallenge -User $name -Wait 00:00:10 }
        { Approve-LocmfaChallenge } | Should -Throw -ErrorId 'Locmfa.Ambiguous,Approve-LocmfaChallenge'
        Get-LocmfaChallenge | Approve-LocmfaChallenge | Select-Object -ExpandProperty call_result | Should -Be 2, 1
        ($calls | Receive-LocmfaAnswer).Result | Should -Be $true, $true
    }
}

Describe 'Spaces' {
    It 'keep two tests apart, whatever their names are' {
        $name = 'Spaces keep two tests apart: [1], a name with blanks, brackets and colons, and longer than 64 characters'
        $one = New-LocmfaSpace $name
        $two = New-LocmfaSpace $name
        try {
            $one.Name | Should -Not -Be $two.Name
            $null = Add-LocmfaRule busy -Space $one
            foreach ($space in $one, $two) { $null = Set-LocmfaClock -Auto -Space $space }
            $codes = foreach ($space in $one, $two) { (Invoke-LocmfaSdk PfAuthUser_4 @{ username = 'anna' } -Space $space).CallResult }
            $codes | Should -Be 101, 2
            @(Get-LocmfaCall -Space $one).Count | Should -Be 1
        } finally { $one, $two | Remove-LocmfaSpace }
    }
    It 'are not made with -WhatIf' {
        New-LocmfaSpace never -WhatIf | Should -BeNullOrEmpty
        @(Get-LocmfaSpace | Where-Object name -eq 'never').Count | Should -Be 0
    }
}

Describe 'Users' {
    It 'come through the pipeline, and one that fails does not stop the others' {
        $space = New-LocmfaSpace
        $rows = [pscustomobject]@{ SamAccountName = 'eva'; GivenName = "J$([char]0xfc)rgen"; MobilePhone = '+1 425 555 0170' },
            [pscustomobject]@{ SamAccountName = 'anna' }, [pscustomobject]@{ SamAccountName = 'ida'; MobilePhone = '+1 425 555 0171' }
        $added = $rows | Add-LocmfaUser -Space $space -ErrorVariable failed -ErrorAction SilentlyContinue
        $added.username | Should -Be 'eva', 'ida'
        $added[0].first_name | Should -Be "J$([char]0xfc)rgen"
        @($failed).Count | Should -BeGreaterOrEqual 1
        (Set-LocmfaUser eva -Mode smsText -Space $space).mode | Should -Be 'smsText'
        Get-LocmfaUser e* -Space $space | Where-Object username -eq 'eva' | Remove-LocmfaUser -Space $space
        @(Get-LocmfaUser eva -Space $space).Count | Should -Be 0
        $space | Remove-LocmfaSpace
    }
}

Describe 'Bad input' {
    It 'names a missing program' {
        { Start-LocmfaServer -Program ./no-such-locmfa } | Should -Throw -ExpectedMessage '*no-such-locmfa*LOCMFA_PROGRAM*' -ErrorId 'Locmfa.NoProgram,Start-LocmfaServer'
    }
    It 'names a program that is too old, and one that is late' {
        $onWindows = $env:OS -eq 'Windows_NT'
        $old, $late = 'old', 'late' | ForEach-Object { Join-Path $TestDrive $(if ($onWindows) { "$_.cmd" } else { $_ }) }
        if ($onWindows) {
            Set-Content -Path $old -Value "@echo error: unexpected argument '--exit-with-stdin' found 1>&2", '@exit /b 2' -Encoding ASCII
            Set-Content -Path $late -Value '@set /p line=' -Encoding ASCII
        } else {
            Set-Content -Path $old -Value '#!/bin/sh', "echo `"error: unexpected argument '--exit-with-stdin' found`" >&2", 'exit 2'
            Set-Content -Path $late -Value '#!/bin/sh', 'read line'
            chmod +x $old $late
        }
        { Start-LocmfaServer -Program $old } | Should -Throw -ErrorId 'Locmfa.TooOld,Start-LocmfaServer'
        { Start-LocmfaServer -Program $late -TimeoutSeconds 1 } | Should -Throw -ErrorId 'Locmfa.NotReady,Start-LocmfaServer'
    }
    It 'finds a server that another program started, with its token, and stops it' {
        $token = Join-Path $TestDrive 'token'
        Set-Content -Path $token -Value 'a-token-of-this-test' -Encoding ASCII
        $theirs = Start-LocmfaServer -ArgumentList '--admin-token-file', $token
        $mine = Wait-LocmfaServer $theirs.Admin -Service $theirs.Service -Authority $theirs.Authority -TokenFile $token
        @(Get-LocmfaCall).Count | Should -Be 0
        Stop-LocmfaServer $mine
        $theirs.Process.WaitForExit(10000) | Should -BeTrue
        Stop-LocmfaServer $theirs
    }
    It 'tells every mistake of a scenario' {
        $file = Join-Path $TestDrive 'a scenario with blanks.yaml'
        Set-Content -Path $file -Value "users: [anna]`nrules:`n  - outcome: bussy`n  - otcome: busy" -Encoding ASCII
        $caught = { Start-LocmfaServer $file } | Should -Throw -ErrorId 'Locmfa.ServerEnded,Start-LocmfaServer' -PassThru
        $caught.CategoryInfo.Category | Should -Be 'InvalidData'
        $caught.Exception.Message | Should -BeLike '*Did you mean busy?*'
        $caught.Exception.Message | Should -BeLike '*otcome*'
        Test-LocmfaScenario $file -WarningVariable said -WarningAction SilentlyContinue | Should -BeFalse
        @($said).Count | Should -BeGreaterOrEqual 2
        { New-LocmfaSpace -Scenario $file } | Should -Throw -ErrorId 'Locmfa.mistakes,New-LocmfaSpace' -ExpectedMessage '*line 3*S006*'
    }
    It 'names a taken port' {
        $taken = ([uri] $script:server.Service).Port
        { Start-LocmfaServer -Port $taken } | Should -Throw -ExpectedMessage "*$taken*" -ErrorId 'Locmfa.ServerEnded,Start-LocmfaServer'
    }
    It 'tells the last of the log when the server dies in mid-test' {
        $mine = Start-LocmfaServer
        $null = Invoke-LocmfaSdk UserExists @{ username = 'anna' } -Space $mine
        for ($i = 0; $i -lt 50 -and -not (Select-String -Path $mine.Log -Pattern UserExists -Quiet); $i++) { Start-Sleep -Milliseconds 100 }
        Stop-Process -Id $mine.ProcessId -Force
        $caught = { Get-LocmfaCall -Space $mine } | Should -Throw -ErrorId 'Locmfa.ServerEnded,Get-LocmfaCall' -PassThru
        $caught.Exception.Message | Should -BeLike '*UserExists*'
        Stop-LocmfaServer $mine
    }
    It 'leaves no process and no file behind' {
        $mine = Start-LocmfaServer
        Stop-LocmfaServer $mine
        $mine.Process.HasExited | Should -BeTrue
        $mine.Process.ExitCode | Should -Be 0
        Test-Path $mine.Folder | Should -BeFalse
    }
    It 'tells a fault and a refused sign-in' {
        { Invoke-LocmfaSdk NoSuchOperation } | Should -Throw -ErrorId 'Locmfa.Fault,Invoke-LocmfaSdk'
        { Invoke-LocmfaSdk UserExists @{ username = 'anna' } -Authentication None } | Should -Throw -ErrorId 'Locmfa.SignIn,Invoke-LocmfaSdk'
    }
}
