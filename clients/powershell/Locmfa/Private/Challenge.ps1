# The person who is asked.

# The challenge that is named, or the one that is open, or opens in time.
function Find-Challenge([string] $Id, [string] $Phone, [string] $User, [double] $Seconds, $Space) {
    if ($Id) {
        $open = @((Invoke-LocmfaApi 'GET' "/challenges/$Id" $Space) | ForEach-Object { Get-Field $_ 'open' } | Where-Object { $_ })
        if ($open.Count -eq 0) { throw (New-Record "Challenge $Id is over." 'NoChallenge' 'ObjectNotFound' $Id) }
    } else {
        $query = @{ phone = $Phone; username = $User; wait = [timespan]::FromSeconds($Seconds) }
        $open = @(Read-List '/challenges' 'Locmfa.Challenge' $Space -Query $query -Seconds $Seconds)
        if ($open.Count -eq 0) { throw (New-Record "No person was asked in $Seconds s." 'NoChallenge' 'OperationTimeout' $query) }
    }
    if ($open.Count -gt 1) {
        $people = @($open | ForEach-Object { '{0} {1} {2}' -f $_.id, $_.username, (Get-Field $_ 'phone') }) -join ', '
        throw (New-Record "$($open.Count) people are being asked; say which by -Phone, -User or -Id: $people." 'Ambiguous' 'InvalidArgument' $open)
    }
    $open[0]
}

# Acts as the person, and tells what came of it.
function Invoke-Act($Challenge, $Space, $Act) {
    Invoke-LocmfaApi 'POST' "/challenges/$($Challenge.id)/act" $Space -Body @{ act = $Act }
}
