<#
.SYNOPSIS
Changes users in what is given.
.PARAMETER Username
The account. Letter case makes no difference.
.PARAMETER Phone
The number, such as '+1 425 555 0100'.
.PARAMETER FirstName
First name.
.PARAMETER LastName
Last name.
.PARAMETER EmailAddress
Mail address.
.PARAMETER Mode
voiceCall, smsText, phoneApp or oathToken.
.PARAMETER Pin
The PIN. The server never shows it.
.PARAMETER Property
Further keys of a user as in a scenario, such as @{ pin_mode = 'pin'; enabled = $false }.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Set-LocmfaUser anna -Property @{ enabled = $false }
.EXAMPLE
Get-LocmfaUser | Set-LocmfaUser -Mode smsText
#>
function Set-LocmfaUser {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipelineByPropertyName = $true)] [Alias('SamAccountName', 'AccountName')] [string] $Username,
        [string] $Phone,
        [string] $FirstName,
        [string] $LastName,
        [string] $EmailAddress,
        [string] $Mode,
        [string] $Pin,
        [hashtable] $Property = @{},
        $Space
    )
    process {
        $user = @{} + $Property
        $given = @{ phone = $Phone; first_name = $FirstName; last_name = $LastName; email_address = $EmailAddress; mode = $Mode; pin = $Pin }
        foreach ($key in $given.Keys) { if ($given[$key]) { $user[$key] = $given[$key] } }
        if (-not $PSCmdlet.ShouldProcess($Username, 'Change a user of locmfa')) { return }
        try { ConvertTo-Item (Invoke-LocmfaApi 'PATCH' "/users/$([uri]::EscapeDataString($Username))" $Space -Body $user) 'Locmfa.User' } catch { $PSCmdlet.WriteError($_) }
    }
}
