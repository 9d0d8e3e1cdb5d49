<#
.SYNOPSIS
Adds users, also from Import-Csv and Get-ADUser.
.DESCRIPTION
A user that is refused is an error of its own, and those after it are added.
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
Add-LocmfaUser anna -Phone '+1 425 555 0100' -Mode smsText
.EXAMPLE
Get-ADUser -Filter * -Properties MobilePhone | Add-LocmfaUser -Mode smsText
.EXAMPLE
Import-Csv users.csv | Add-LocmfaUser
#>
function Add-LocmfaUser {
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true, Position = 0, ValueFromPipelineByPropertyName = $true)] [Alias('SamAccountName', 'AccountName')] [string] $Username,
        [Parameter(ValueFromPipelineByPropertyName = $true)] [Alias('MobilePhone', 'OfficePhone', 'telephoneNumber', 'mobile')] [string] $Phone,
        [Parameter(ValueFromPipelineByPropertyName = $true)] [Alias('GivenName', 'first_name')] [string] $FirstName,
        [Parameter(ValueFromPipelineByPropertyName = $true)] [Alias('Surname', 'sn', 'last_name')] [string] $LastName,
        [Parameter(ValueFromPipelineByPropertyName = $true)] [Alias('Mail', 'email_address')] [string] $EmailAddress,
        [Parameter(ValueFromPipelineByPropertyName = $true)] [string] $Mode,
        [Parameter(ValueFromPipelineByPropertyName = $true)] [string] $Pin,
        [hashtable] $Property = @{},
        $Space
    )
    process {
        $user = @{} + $Property
        $given = @{ phone = $Phone; first_name = $FirstName; last_name = $LastName; email_address = $EmailAddress; mode = $Mode; pin = $Pin }
        foreach ($key in $given.Keys) { if ($given[$key]) { $user[$key] = $given[$key] } }
        $user.username = $Username
        if (-not $PSCmdlet.ShouldProcess($Username, 'Add a user to locmfa')) { return }
        try { ConvertTo-Item (Invoke-LocmfaApi 'POST' '/users' $Space -Body $user) 'Locmfa.User' } catch { $PSCmdlet.WriteError($_) }
    }
}
