<#
.SYNOPSIS
Calls the service as Identity Manager does, and gives the answer with its codes.
.DESCRIPTION
Fields are given by their names on the wire; a record is a hashtable, a list an array. A fault is an error. The certificate
of the server is checked against its authority, which need not be in a store of this machine.
.PARAMETER Operation
The operation, such as PfAuthUser_5.
.PARAMETER Field
Its fields.
.PARAMETER Credential
Who signs in; without it CONTOSO\mimservice, which the built-in scenario lets in.
.PARAMETER Authentication
How: Ntlm as Identity Manager does, Negotiate, Basic, or None.
.PARAMETER NoWait
Gives at once what Receive-LocmfaAnswer takes: the phone rings while the test acts.
.PARAMETER TimeoutSeconds
How long the answer may take.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
Invoke-LocmfaSdk PfAuthUser_5 @{ username = 'mimservice@contoso.com'; mode = 'smsText'; countryCode = '1'; phoneNumber = '4255550150' }
.EXAMPLE
$call = Invoke-LocmfaSdk PfAuthUser_4 @{ username = 'anna' } -NoWait
Approve-LocmfaChallenge -User anna
(Receive-LocmfaAnswer $call).CallResult
#>
function Invoke-LocmfaSdk {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true, Position = 0)] [string] $Operation,
        [Parameter(Position = 1)] [System.Collections.IDictionary] $Field = @{},
        [System.Management.Automation.PSCredential] [System.Management.Automation.Credential()] $Credential = [System.Management.Automation.PSCredential]::Empty,
        [ValidateSet('Ntlm', 'Negotiate', 'Basic', 'None')] [string] $Authentication = 'Ntlm',
        [switch] $NoWait,
        [double] $TimeoutSeconds = 100,
        $Space
    )
    try {
        $target = Resolve-Space $Space
        Import-TrustType
        $cache = New-Object System.Net.CredentialCache
        if ($Authentication -ne 'None') {
            $who = if ($Credential -eq [System.Management.Automation.PSCredential]::Empty) { New-Object System.Net.NetworkCredential -ArgumentList 'mimservice', 'any', 'CONTOSO' } else { $Credential.GetNetworkCredential() }
            # Basic has no domain of its own.
            if ($Authentication -eq 'Basic' -and $who.Domain) { $who = New-Object System.Net.NetworkCredential -ArgumentList "$($who.Domain)\$($who.UserName)", $who.Password }
            $cache.Add([uri] $target.Service, $Authentication.ToUpperInvariant(), $who)
        }
        $client = New-Object System.Net.Http.HttpClient -ArgumentList ([Locmfa.PowerShell.Trust]::CreateHandler($target.Authority, $cache))
        $client.Timeout = [System.Threading.Timeout]::InfiniteTimeSpan
        $pending = [pscustomobject]@{
            PSTypeName = 'Locmfa.PendingAnswer'; Operation = $Operation; Task = $null; Client = $client; Space = $target; TimeoutSeconds = $TimeoutSeconds
        }
        $pending.Task = $client.SendAsync((New-SdkRequest $target.Service $Operation $Field))
        if ($NoWait) { return $pending }
        Receive-LocmfaAnswer $pending
    } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
