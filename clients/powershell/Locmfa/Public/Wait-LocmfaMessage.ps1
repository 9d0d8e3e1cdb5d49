<#
.SYNOPSIS
Waits for a text message, and gives it with its code.
.DESCRIPTION
It gives each message of a space once: the oldest that it has not given. No message in time is an error.
.PARAMETER To
Only to this number, in any spelling.
.PARAMETER User
Only of calls for this user.
.PARAMETER TimeoutSeconds
How long to wait.
.PARAMETER Space
A space of New-LocmfaSpace or a server of Start-LocmfaServer; the server that was started last where it is left out.
.EXAMPLE
$code = (Wait-LocmfaMessage -To '+1 425 555 0100').code
#>
function Wait-LocmfaMessage {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)] [string] $To,
        [string] $User,
        [double] $TimeoutSeconds = 30,
        $Space
    )
    try {
        $target = Resolve-Space $Space
        if (-not $script:Given.ContainsKey($target.Admin)) { $script:Given[$target.Admin] = @{} }
        $given = $script:Given[$target.Admin]
        $until = [datetime]::UtcNow.AddSeconds($TimeoutSeconds)
        $after = ''
        while ($true) {
            $left = [Math]::Max(0, ($until - [datetime]::UtcNow).TotalSeconds)
            $query = @{ medium = 'text'; to = $To; username = $User; after = $after; wait = [timespan]::FromSeconds($left) }
            $page = Invoke-LocmfaApi 'GET' '/messages' $target -Query $query -Seconds $left
            foreach ($item in @($page.items)) {
                if ($null -eq $item -or $given.ContainsKey([string] $item.seq)) { continue }
                $given[[string] $item.seq] = $true
                return ConvertTo-Item $item 'Locmfa.Message'
            }
            $after = [string] $page.next
            if ([datetime]::UtcNow -ge $until) { throw (New-Record "No text message to '$To$User' went out in $TimeoutSeconds s." 'NoMessage' 'OperationTimeout' $query) }
        }
    } catch { $PSCmdlet.ThrowTerminatingError($_) }
}
