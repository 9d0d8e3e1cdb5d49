<#
.SYNOPSIS
Waits until a server answers that this session did not start, and gives it.
.DESCRIPTION
The other commands then mean this server: one that runs as a service of Windows, or in another window.
.PARAMETER Admin
The address of its admin API.
.PARAMETER Service
The URL of its service, for Invoke-LocmfaSdk.
.PARAMETER Authority
The file with the certificate of its authority, for Invoke-LocmfaSdk; without it, what the machine trusts.
.PARAMETER TokenFile
The file with the token of its admin API, where it wants one.
.PARAMETER TimeoutSeconds
How long to wait.
.EXAMPLE
Wait-LocmfaServer -Admin http://127.0.0.1:9998
#>
function Wait-LocmfaServer {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)] [string] $Admin = 'http://127.0.0.1:9998',
        [string] $Service = 'https://localhost:9999/MultiFactorAuthWebServiceSdk/PfWsSdk.asmx',
        [string] $Authority,
        [string] $TokenFile,
        [double] $TimeoutSeconds = 30
    )
    $server = [pscustomobject]@{
        PSTypeName = 'Locmfa.Server'; Name = 'default'; Service = $Service; Admin = $Admin.TrimEnd('/'); Authority = $null; ProcessId = 0
        Folder = $null; Log = $null; Process = $null; Errors = $null; Output = $null; Token = $null; Server = $null
    }
    $server.Server = $server
    if ($Authority) { $server.Authority = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Authority) }
    if ($TokenFile) {
        # A token that is shown by accident shows nothing.
        $server.Token = ConvertTo-SecureString -String ([System.IO.File]::ReadAllText($PSCmdlet.GetUnresolvedProviderPathFromPSPath($TokenFile)).Trim()) -AsPlainText -Force
    }
    $until = [datetime]::UtcNow.AddSeconds($TimeoutSeconds)
    while ($true) {
        try {
            $null = Invoke-LocmfaApi 'GET' '/readyz' $server
            break
        } catch {
            if ([datetime]::UtcNow -gt $until) { $PSCmdlet.ThrowTerminatingError($_) }
            Start-Sleep -Milliseconds 100
        }
    }
    $script:Current = $server
    $server
}
