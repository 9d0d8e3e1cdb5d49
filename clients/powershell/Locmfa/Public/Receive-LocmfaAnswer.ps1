<#
.SYNOPSIS
Waits for the answer to a call that Invoke-LocmfaSdk -NoWait made.
.PARAMETER Call
What Invoke-LocmfaSdk -NoWait gave.
.EXAMPLE
$call | Receive-LocmfaAnswer
#>
function Receive-LocmfaAnswer {
    [CmdletBinding()]
    param([Parameter(Mandatory = $true, Position = 0, ValueFromPipeline = $true)] [PSTypeName('Locmfa.PendingAnswer')] $Call)
    process {
        try {
            if (-not (Wait-Task $Call.Task $Call.TimeoutSeconds)) { throw (New-Record "$($Call.Operation) got no answer in $($Call.TimeoutSeconds) s." 'NoAnswer' 'OperationTimeout' $Call) }
            if ($Call.Task.IsFaulted) {
                $server = $Call.Space.Server
                if ($server -and $server.Process -and $server.Process.WaitForExit(500)) { throw (New-EndedRecord $server "locmfa ended before it answered $($Call.Operation)") }
                throw (New-Record "$($Call.Operation) got no answer: $($Call.Task.Exception.GetBaseException().Message)" 'NoAnswer' 'ConnectionError' $Call)
            }
            if ($Call.Task.Result.StatusCode -eq [System.Net.HttpStatusCode]::Unauthorized) { throw (New-Record "The service refused the sign-in of $($Call.Operation)." 'SignIn' 'AuthenticationError' $Call) }
            ConvertTo-SdkAnswer $Call.Task.Result $Call.Operation
        } catch { $PSCmdlet.ThrowTerminatingError($_) } finally { $Call.Client.Dispose() }
    }
}
