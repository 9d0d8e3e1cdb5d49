# Calls of the service.

$script:SdkNamespace = 'http://www.phonefactor.com/PfWsSdk'

function New-SdkRequest([string] $Service, [string] $Operation, [System.Collections.IDictionary] $Field) {
    $text = New-Object System.Text.StringBuilder
    $settings = New-Object System.Xml.XmlWriterSettings
    $settings.OmitXmlDeclaration = $true
    $writer = [System.Xml.XmlWriter]::Create($text, $settings)
    $writer.WriteStartElement('s', 'Envelope', 'http://schemas.xmlsoap.org/soap/envelope/')
    $writer.WriteStartElement('Body', 'http://schemas.xmlsoap.org/soap/envelope/')
    Write-SdkElement $writer $Operation $Field
    $writer.Close()
    $request = New-Object System.Net.Http.HttpRequestMessage -ArgumentList ([System.Net.Http.HttpMethod]::Post), $Service
    $body = $text.ToString()
    $request.Content = New-Object System.Net.Http.StringContent -ArgumentList $body, (New-Object System.Text.UTF8Encoding -ArgumentList $false), 'text/xml'
    $request.Headers.Add('SOAPAction', "`"$script:SdkNamespace/$Operation`"")
    $request
}

# A field, a record of fields, or a list under one name. $null is left out.
function Write-SdkElement($Writer, [string] $Name, $Value) {
    if ($null -eq $Value) { return }
    $Writer.WriteStartElement($Name, $script:SdkNamespace)
    if ($Value -is [System.Collections.IDictionary]) {
        foreach ($key in $Value.Keys) { foreach ($one in @($Value[$key])) { Write-SdkElement $Writer $key $one } }
    } else { $Writer.WriteString((ConvertTo-Word $Value)) }
    $Writer.WriteEndElement()
}

# An element as text, or as an object of its elements.
function ConvertFrom-SdkElement($Element) {
    $children = @($Element.ChildNodes | Where-Object { $_ -is [System.Xml.XmlElement] })
    if ($children.Count -eq 0) { return $Element.InnerText }
    $record = New-Object PSObject
    foreach ($group in @($children | Group-Object -Property LocalName)) {
        $values = @($group.Group | ForEach-Object { ConvertFrom-SdkElement $_ })
        $record | Add-Member -MemberType NoteProperty -Name $group.Name -Value $(if ($values.Count -eq 1) { $values[0] } else { , $values })
    }
    $record
}

# The answer of a call: whether it was true, the codes, and every field by its name.
function ConvertTo-SdkAnswer($Response, [string] $Operation) {
    $status = [int] $Response.StatusCode
    $text = [System.Text.Encoding]::UTF8.GetString($Response.Content.ReadAsByteArrayAsync().Result)
    $document = New-Object System.Xml.XmlDocument
    try { $document.LoadXml($text) } catch { throw (New-Record "The service answered $Operation with the status $status and no XML: $text" 'NoXml' 'InvalidResult' $text) }
    $fault = @($document.GetElementsByTagName('Fault', 'http://schemas.xmlsoap.org/soap/envelope/'))
    if ($fault.Count) { throw (New-Record "The service answered $Operation with a fault: $($fault[0].SelectSingleNode("*[local-name() = 'faultstring']").InnerText)" 'Fault' 'InvalidResult' $text) }
    $answer = @($document.GetElementsByTagName("${Operation}Response", $script:SdkNamespace))
    if ($answer.Count -eq 0) { throw (New-Record "The service answered $Operation with the status $status and no answer of the operation: $text" 'NoAnswer' 'InvalidResult' $text) }
    $fields = ConvertFrom-SdkElement $answer[0]
    $result = Get-Field $fields "${Operation}Result"
    $callResult = Get-Field $fields 'callResult'
    $failure = Get-Field $fields 'error'
    [pscustomobject]@{
        PSTypeName = 'Locmfa.Answer'
        Operation  = $Operation
        Result     = $(if ('true', 'false' -contains $result) { $result -eq 'true' } else { $result })
        CallResult = $(if ($callResult) { [int] $callResult.Code })
        Error      = $(if ($failure) { [int] $failure.Code })
        Text       = $(foreach ($it in $failure, $callResult) { if ($it -and (Get-Field $it 'Description')) { $it.Description; break } })
        Fields     = $fields
        Xml        = $text
    }
}
