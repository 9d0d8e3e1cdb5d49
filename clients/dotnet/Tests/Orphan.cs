// Starts a server, says which process it is, and waits to be killed.
using System;
using System.Threading;
using Locmfa.Testing;

internal static class Orphan
{
    private static void Main()
    {
        var server = LocmfaServer.StartAsync().GetAwaiter().GetResult();
        Console.WriteLine(server.ProcessId);
        Thread.Sleep(Timeout.Infinite);
        GC.KeepAlive(server);
    }
}
