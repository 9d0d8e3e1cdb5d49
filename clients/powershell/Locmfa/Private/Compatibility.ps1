# What differs between Windows PowerShell 5.1 and PowerShell 7, and what .NET does otherwise than PowerShell.

Add-Type -AssemblyName System.Net.Http

# $IsWindows is not there in 5.1.
$script:OnWindows = [System.Environment]::OSVersion.Platform -eq [System.PlatformID]::Win32NT

# Not Invoke-RestMethod: in 5.1 it reads JSON without charset as ISO-8859-1, sends text as such, and both versions cut what
# stands between < and > out of the text of an error.
$script:Http = $null

function Get-HttpClient {
    if ($null -eq $script:Http) {
        $handler = New-Object System.Net.Http.HttpClientHandler
        # The machine's proxy would be asked for 127.0.0.1 in some set-ups.
        $handler.UseProxy = $false
        # .NET Framework opens two connections to a host by default, which two waits hold. Before 4.7.1 that is all it has.
        if ($handler.PSObject.Properties['MaxConnectionsPerServer']) { $handler.MaxConnectionsPerServer = 256 }
        $script:Http = New-Object System.Net.Http.HttpClient -ArgumentList $handler
        $script:Http.Timeout = [System.Threading.Timeout]::InfiniteTimeSpan
    }
    $script:Http
}

# Waits for a task of .NET, and tells whether it ended in time. In steps, since Ctrl-C cannot break into a method of .NET.
function Wait-Task($Task, [double] $Seconds) {
    $until = [datetime]::UtcNow.AddSeconds($Seconds)
    while (-not $Task.IsCompleted) {
        if ([datetime]::UtcNow -gt $until) { return $false }
        # Unlike Wait, it throws nothing where the task failed.
        $null = [System.Threading.Tasks.Task]::WaitAny([System.Threading.Tasks.Task[]] @($Task), 100)
    }
    $true
}

# Moments are texts in 5.1, and DateTime in 7 where they have seven decimals at most. DateTime in UTC in both.
function ConvertTo-Moment($Value) {
    if ($Value -is [datetime]) { return $Value.ToUniversalTime() }
    $styles = [System.Globalization.DateTimeStyles]::AdjustToUniversal -bor [System.Globalization.DateTimeStyles]::AssumeUniversal
    [datetime]::Parse($Value, [System.Globalization.CultureInfo]::InvariantCulture, $styles)
}

# A value as the API reads it, whatever the culture of the session.
function ConvertTo-Word($Value) {
    if ($Value -is [bool] -or $Value -is [switch]) { return ([bool] $Value).ToString().ToLowerInvariant() }
    if ($Value -is [timespan]) { return '{0}ms' -f [long] $Value.TotalMilliseconds }
    if ($Value -is [datetime]) { return $Value.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", [System.Globalization.CultureInfo]::InvariantCulture) }
    [System.Convert]::ToString($Value, [System.Globalization.CultureInfo]::InvariantCulture)
}

# Lengths and moments of a body as texts. 5.1 writes both as objects of .NET.
function ConvertTo-Body($Value) {
    if ($Value -is [timespan] -or $Value -is [datetime]) { return ConvertTo-Word $Value }
    if ($Value -is [System.Collections.IDictionary]) {
        $body = @{}
        foreach ($key in $Value.Keys) { $body[[string] $key] = ConvertTo-Body $Value[$key] }
        return $body
    }
    if ($Value -is [System.Collections.IList]) { return , @($Value | ForEach-Object { ConvertTo-Body $_ }) }
    $Value
}

# Windows gives a program one line, which it takes apart by the rules of C. ProcessStartInfo.ArgumentList is not in 5.1.
function ConvertTo-Argument([string] $Value) {
    if ($Value -and $Value -notmatch '[\s"]') { return $Value }
    $quoted = [regex]::Replace($Value, '(\\*)"', '$1$1\"')
    '"' + [regex]::Replace($quoted, '(\\+)$', '$1$1') + '"'
}

# A member that may be missing, which strict mode does not forgive.
function Get-Field($Object, [string] $Name) {
    if ($null -eq $Object) { return }
    $property = $Object.PSObject.Properties[$Name]
    if ($property) { $property.Value }
}

# The type that trusts one authority. A script block cannot be the callback: .NET calls it on a thread without PowerShell.
function Import-TrustType {
    if ('Locmfa.PowerShell.Trust' -as [type]) { return }
    # Without IgnoreWarnings, what a later .NET calls obsolete would be an error.
    $options = @{ TypeDefinition = [System.IO.File]::ReadAllText((Join-Path $PSScriptRoot 'Trust.cs')); IgnoreWarnings = $true }
    # In 7, the assemblies of .NET are referred to where none is named.
    if ($PSVersionTable.PSVersion.Major -lt 6) { $options.ReferencedAssemblies = 'System.Net.Http', 'System', 'System.Core' }
    Add-Type @options
}
