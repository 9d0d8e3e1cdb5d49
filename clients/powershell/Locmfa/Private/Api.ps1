# The admin API: requests, answers, refusals.

function New-Record([string] $Message, [string] $Id, [string] $Category = 'InvalidOperation', $Target = $null) {
    $exception = New-Object System.InvalidOperationException -ArgumentList $Message
    New-Object System.Management.Automation.ErrorRecord -ArgumentList $exception, "Locmfa.$Id", $Category, $Target
}

# The space that a command means.
function Resolve-Space($Space) {
    $found = if ($null -eq $Space) { $script:Current } else { $Space }
    if ($null -eq $found) { throw (New-Record 'There is no server yet. Start one with Start-LocmfaServer, find one with Wait-LocmfaServer, or give -Space.' 'NoServer' 'ObjectNotFound') }
    $found
}

# Asks the API of a space, or of a server for paths that are not of a space. A text is sent as YAML, anything else as JSON.
# Throws an error record where the answer is an error, unless -Also has its status.
function Invoke-LocmfaApi([string] $Method, [string] $Path, $Space, [System.Collections.IDictionary] $Query = @{}, $Body, [double] $Seconds = 0, [int[]] $Also = @()) {
    $target = Resolve-Space $Space
    $pairs = @(foreach ($key in $Query.Keys) {
            if ($null -ne $Query[$key] -and "$($Query[$key])" -ne '') { '{0}={1}' -f [uri]::EscapeDataString($key), [uri]::EscapeDataString((ConvertTo-Word $Query[$key])) }
        })
    $url = $target.Admin + $Path + $(if ($pairs.Count) { '?' + ($pairs -join '&') } else { '' })
    $request = New-Object System.Net.Http.HttpRequestMessage -ArgumentList (New-Object System.Net.Http.HttpMethod -ArgumentList $Method), $url
    if ($target.Server.Token) {
        $token = (New-Object System.Net.NetworkCredential -ArgumentList '', $target.Server.Token).Password
        $request.Headers.Authorization = New-Object System.Net.Http.Headers.AuthenticationHeaderValue -ArgumentList 'Bearer', $token
    }
    if ($null -ne $Body) {
        $text = if ($Body -is [string]) { $Body } else { ConvertTo-Json -InputObject (ConvertTo-Body $Body) -Depth 20 -Compress }
        $kind = if ($Body -is [string]) { 'application/yaml' } else { 'application/json' }
        $request.Content = New-Object System.Net.Http.StringContent -ArgumentList $text, (New-Object System.Text.UTF8Encoding -ArgumentList $false), $kind
    }
    $cancel = New-Object System.Threading.CancellationTokenSource
    try {
        $task = (Get-HttpClient).SendAsync($request, $cancel.Token)
        if (-not (Wait-Task $task ($Seconds + 30))) { throw (New-Record "locmfa did not answer $Method $Path in $($Seconds + 30) s." 'NoAnswer' 'OperationTimeout' $url) }
        if ($task.IsFaulted) {
            $server = $target.Server
            # The connection breaks a moment before the process is gone.
            if ($server -and $server.Process -and $server.Process.WaitForExit(2000)) { throw (New-EndedRecord $server "locmfa ended before it answered $Method $Path") }
            throw (New-Record "No locmfa answers at $($target.Admin): $($task.Exception.GetBaseException().Message)" 'NoServer' 'ConnectionError' $url)
        }
        $response = $task.Result
        $status = [int] $response.StatusCode
        $text = if ($response.Content) { [System.Text.Encoding]::UTF8.GetString($response.Content.ReadAsByteArrayAsync().Result) } else { '' }
    } finally {
        # The server's wait ends, too.
        $cancel.Cancel()
        $request.Dispose()
    }
    $answer = if ($text -like '{*') { ConvertFrom-Json -InputObject $text } else { $text }
    if ($status -lt 400 -or $Also -contains $status) { return $answer }
    throw (New-ProblemRecord $answer $status)
}

function New-ProblemRecord($Problem, [int] $Status) {
    if ($Problem -is [string]) { return New-Record "locmfa answered ${Status}: $Problem" 'Failed' }
    $lines = @("$($Problem.detail) $($Problem.remedy)".Trim())
    foreach ($mistake in @(Get-Field $Problem 'mistakes')) { if ($mistake) { $lines += '  ' + (Format-Mistake $mistake) } }
    $categories = @{ 401 = 'AuthenticationError'; 403 = 'PermissionDenied'; 404 = 'ObjectNotFound'; 409 = 'ResourceExists' }
    $category = if ($categories.ContainsKey($Status)) { $categories[$Status] } else { 'InvalidArgument' }
    New-Record ($lines -join [System.Environment]::NewLine) ($Problem.type -split ':')[-1] $category $Problem
}

function Format-Mistake($Mistake) {
    $remedy = @(Get-Field $Mistake 'help') -join ' '
    ('line {0}: {1} {2} {3}. {4}' -f $Mistake.line, $Mistake.severity, $Mistake.code, $Mistake.message, $remedy).Trim()
}

# An item of the API with its type, for formats, and with its moments as DateTime.
function ConvertTo-Item($Item, [string] $Type) {
    foreach ($name in 'at', 'now', 'since', 'due', 'until') {
        $property = $Item.PSObject.Properties[$name]
        if ($property -and $null -ne $property.Value) { $property.Value = ConvertTo-Moment $property.Value }
    }
    $Item.PSObject.TypeNames.Insert(0, $Type)
    $Item
}

# A list of the API, item by item.
function Read-List([string] $Path, [string] $Type, $Space, [System.Collections.IDictionary] $Query = @{}, [double] $Seconds = 0) {
    foreach ($item in @((Invoke-LocmfaApi 'GET' $Path $Space -Query $Query -Seconds $Seconds).items)) { if ($null -ne $item) { ConvertTo-Item $item $Type } }
}

# Conditions of a list: those of parameters, and those of -Where.
function Join-Query([hashtable] $Given, [hashtable] $Where) {
    $query = @{}
    foreach ($key in $Given.Keys) { if ($null -ne $Given[$key] -and "$($Given[$key])" -ne '') { $query[$key] = $Given[$key] } }
    if ($Where) { foreach ($key in $Where.Keys) { $query[$key] = $Where[$key] } }
    $query
}

# Verifies one expectation, and throws the server's own text where it is not so.
function Assert-Expectation([hashtable] $Expect, [string] $After, $Wait, $Space) {
    $body = @{ expect = @($Expect) }
    $seconds = 0
    if ($After) { $body.after = ConvertTo-Cursor $After }
    if ($null -ne $Wait) { $body.wait = $Wait; $seconds = $Wait.TotalSeconds }
    $answer = Invoke-LocmfaApi 'POST' '/verify' $Space -Body $body -Seconds $seconds -Also 409
    if (-not (Get-Field $answer 'passed')) { throw (New-Record "$($answer.detail) $($answer.remedy)".Trim() 'AssertFailed' 'InvalidResult' $answer) }
}

# The members of an expectation that the parameters of Assert-Locmfa* say.
function New-Expectation([string] $Kind, [hashtable] $Where, [System.Collections.IDictionary] $Bound) {
    $expect = @{ kind = $Kind; where = $Where }
    if ($Bound.ContainsKey('Name')) { $expect.name = $Bound['Name'] }
    if ($Bound.ContainsKey('Exactly')) { $expect.exactly = $Bound['Exactly'] }
    if ($Bound.ContainsKey('AtLeast')) { $expect.at_least = $Bound['AtLeast'] }
    if ($Bound.ContainsKey('AtMost')) { $expect.at_most = $Bound['AtMost'] }
    if ($Bound.ContainsKey('Within')) { $expect.within = $Bound['Within'] }
    $expect
}

# The body of POST /verify has the cursor as the lists tell it: a number of an earlier version, else a text.
function ConvertTo-Cursor([string] $Cursor) {
    if ($Cursor -match '^\d+$') { return [long] $Cursor }
    $Cursor
}
