// What the kit promises, against the program that LOCMFA_PROGRAM names. Under NUnit 2.6.
using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Locmfa.Testing;
using NUnit.Framework;

[TestFixture]
public class KitTests
{
    private LocmfaServer server;

    [TestFixtureSetUp]
    public void StartServer() => server = LocmfaServer.StartAsync().GetAwaiter().GetResult();

    [TestFixtureTearDown]
    public void StopServer() => server.Dispose();

    private static readonly bool IsMono = Type.GetType("Mono.Runtime") != null;

    // What a task throws.
    private static T Thrown<T>(Func<Task> run) where T : Exception
    {
        return Assert.Catch<T>(() => run().GetAwaiter().GetResult());
    }

    private static void Contains(string part, string text) => Assert.That(text, Is.StringContaining(part));

    private static string Scratch(string name, string text)
    {
        var path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("n") + name);
        File.WriteAllText(path, text);
        return path;
    }

    // A call of the service as MIM makes it, without WCF.
    private static async Task<string> CallAsync(LocmfaServer server, LocmfaSpace space, string operation, string fields)
    {
        var credentials = new CredentialCache { { space.ServiceUri, "Basic", new NetworkCredential("CONTOSO\\mimservice", "any") } };
        using (var http = new HttpClient(server.Trust.CreateHandler(credentials)))
        {
            var body = $"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><{operation} xmlns='http://www.phonefactor.com/PfWsSdk'>{fields}</{operation}></s:Body></s:Envelope>";
            var content = new StringContent(body, Encoding.UTF8, "text/xml");
            content.Headers.Add("SOAPAction", $"\"http://www.phonefactor.com/PfWsSdk/{operation}\"");
            using (var answer = await http.PostAsync(space.ServiceUri, content))
            {
                return await answer.Content.ReadAsStringAsync();
            }
        }
    }

    private static Task<string> AskAsync(LocmfaServer server, LocmfaSpace space, string username)
    {
        return CallAsync(server, space, "PfAuthUser_4", $"<username>{username}</username>");
    }

    [Test]
    public void A_missing_program_is_named()
    {
        var error = Thrown<LocmfaException>(() => LocmfaServer.StartAsync(new LocmfaOptions { Program = "/no/such/locmfa" }));
        Contains("/no/such/locmfa", error.Detail);
        Contains("LOCMFA_PROGRAM", error.Remedy);
    }

    [Test]
    public void A_program_that_is_too_old_is_named_as_such()
    {
        // What an earlier version says to a flag that it does not know.
        var program = Scratch("old", "#!/bin/sh\necho \"error: unexpected argument '--exit-with-stdin' found\" >&2\nexit 2\n");
        Process.Start("chmod", "+x " + program).WaitForExit();
        var error = Thrown<LocmfaException>(() => LocmfaServer.StartAsync(new LocmfaOptions { Program = program }));
        File.Delete(program);
        Contains("older than this kit", error.Detail);
    }

    [Test]
    public void A_program_that_is_late_is_ended()
    {
        var program = Scratch("late", "#!/bin/sh\necho $$ still starting >&2\nexec sleep 60\n");
        Process.Start("chmod", "+x " + program).WaitForExit();
        var options = new LocmfaOptions { Program = program, StartTimeout = TimeSpan.FromSeconds(1), StopTimeout = TimeSpan.FromMilliseconds(100) };
        var error = Thrown<LocmfaTimeoutException>(() => LocmfaServer.StartAsync(options));
        File.Delete(program);
        Contains("was not ready in 1 s", error.Detail);
        Contains("still starting", error.Log);
        Assert.IsFalse(IsRunning(int.Parse(error.Log.Split(' ')[0])));
    }

    [Test]
    public void A_taken_port_is_named()
    {
        var port = server.ServiceUri.Port;
        var error = Thrown<LocmfaException>(() => LocmfaServer.StartAsync(new LocmfaOptions { Port = port }));
        Contains("exit code is 3", error.Detail);
        Contains(port.ToString(), error.Log);
    }

    [Test]
    public void Each_mistake_of_a_scenario_is_told()
    {
        var options = new LocmfaOptions { ScenarioText = "users: [anna]\nrules:\n  - outcome: bussy\n  - otcome: busy\n" };
        var error = Thrown<LocmfaException>(() => LocmfaServer.StartAsync(options));
        Contains("busy?", error.Log);
        Contains("otcome", error.Log);
        error = Thrown<LocmfaException>(() => server.CreateSpaceAsync("mistakes", "users: [anna]\nrules:\n  - outcome: bussy\n"));
        Assert.AreEqual("mistakes", error.Kind);
        Contains("line 3: error S006", error.Message);
        Contains("Did you mean busy?", error.Message);
    }

    [Test]
    public void A_run_repeats_with_its_seed()
    {
        using (var first = LocmfaServer.StartAsync().GetAwaiter().GetResult())
        using (var again = LocmfaServer.StartAsync(new LocmfaOptions { Seed = first.Seed }).GetAwaiter().GetResult())
        {
            Assert.AreEqual(first.Seed, again.Seed);
            Assert.That(again.Log, Is.Not.StringContaining("SSL_CERT_FILE"));
        }
    }

    [Test]
    public async Task A_server_that_dies_in_mid_test_tells_its_last_lines()
    {
        using (var mine = await LocmfaServer.StartAsync())
        using (var space = await mine.CreateSpaceAsync())
        {
            await AskAsync(mine, space, "anna");
            // The server's log is written beside its calls.
            Assert.That(() => mine.Log, Is.StringContaining("PfAuthUser_4").After(5000, 10));
            Process.GetProcessById(mine.ProcessId).Kill();
            var error = Thrown<LocmfaException>(() => space.CallsAsync());
            Contains("locmfa ended before it answered GET", error.Detail);
            Contains("PfAuthUser_4", error.Log);
            error = Thrown<LocmfaException>(() => space.WaitForTextAsync());
            Contains("locmfa ended", error.Detail);
        }
    }

    [Test]
    public async Task Two_tests_of_one_name_have_a_space_each()
    {
        const string name = "Tests.Two(\"ü: a name with blanks, brackets and colons, and with more than 64 characters\", 1)";
        using (var space = await server.CreateSpaceAsync(name))
        using (var other = await server.CreateSpaceAsync(name))
        {
            Assert.AreNotEqual(space.Name, other.Name);
            Assert.LessOrEqual(space.Name.Length, 64);
            Contains("up to 256", Thrown<LocmfaException>(() => server.CreateSpaceAsync(new string('x', 257))).Detail);
        }
    }

    [Test]
    public async Task Messages_come_one_by_one_and_none_twice()
    {
        using (var space = await server.CreateSpaceAsync("messages", "users:\n  - {username: anna, phone: '+1 425 555 0100', mode: smsText}\n  - {username: ben, phone: '+1 425 555 0101', mode: smsText}\n"))
        {
            foreach (var user in new[] { "anna", "ben", "anna" })
            {
                Contains("<Code>20</Code>", await AskAsync(server, space, user));
            }
            Assert.AreEqual("anna", (await space.WaitForTextAsync("(425) 555-0100")).Username);
            Assert.AreEqual("anna", (await space.WaitForTextAsync("(425) 555-0100")).Username);
            Assert.AreEqual("ben", (await space.WaitForTextAsync("+1 425 555 0101")).Username);
            var next = space.WaitForTextAsync("+1 425 555 0101", TimeSpan.FromSeconds(30));
            await AskAsync(server, space, "ben");
            Assert.AreEqual(6, (await next).Code.Length);
            var error = Thrown<LocmfaTimeoutException>(() => space.WaitForTextAsync("+1 425 555 0100", TimeSpan.FromMilliseconds(10)));
            Contains("+1 425 555 0100", error.Detail);
        }
    }

    [Test]
    public async Task A_wait_can_be_cancelled()
    {
        using (var space = await server.CreateSpaceAsync())
        using (var cancel = new CancellationTokenSource(100))
        {
            Thrown<OperationCanceledException>(() => space.RingingAsync(null, TimeSpan.FromMinutes(5), cancel.Token));
        }
    }

    [Test]
    public async Task The_person_acts_key_by_key()
    {
        using (var space = await server.CreateSpaceAsync())
        {
            await space.AddUserAsync(new LocmfaUser { Username = "gül", FirstName = "Gül", Phone = "+1 425 555 0151", PinMode = "pin", Pin = "2580" });
            await space.AddRuleAsync("{when: {user: gül}, person: decides}");
            var call = AskAsync(server, space, "gül");
            var ringing = await space.RingingAsync();
            Assert.AreEqual("voice", ringing.Channel);
            Contains("still rings", Thrown<LocmfaException>(() => ringing.PressAsync("2")).Detail);
            Assert.IsNull(await ringing.AnswerAsync());
            Assert.IsNull(await ringing.PressAsync("25"));
            Assert.AreEqual(1, await ringing.PressAsync("80#"));
            Contains("<Code>1</Code>", await call);
            Assert.AreEqual("unknown-challenge", Thrown<LocmfaException>(() => ringing.DenyAsync()).Kind);
            var calls = await space.CallsAsync(new { username = "gül" });
            Assert.AreEqual(1, calls.Single().CallResult);
        }
    }

    [Test]
    public async Task Several_people_who_are_asked_are_named()
    {
        using (var space = await server.CreateSpaceAsync())
        {
            await space.AddRuleAsync(new { person = "decides" });
            var calls = new[] { AskAsync(server, space, "anna"), AskAsync(server, space, "ben") };
            var first = await space.RingingAsync("+1 425 555 0100");
            await space.RingingAsync("+1 425 555 0101");
            var error = Thrown<LocmfaException>(() => space.RingingAsync());
            Contains("anna at +1 4255550100", error.Detail);
            await first.ApproveAsync();
            Assert.AreEqual(1, await (await space.RingingAsync()).ApproveAsync());
            await Task.WhenAll(calls);
        }
    }

    [Test]
    public async Task The_clock_is_moved_by_lengths_and_to_moments()
    {
        using (var space = await server.CreateSpaceAsync())
        {
            await space.FreezeClockAsync();
            var now = await space.NowAsync();
            await space.AdvanceClockAsync(TimeSpan.FromHours(25.5));
            Assert.AreEqual(now.AddHours(25.5), await space.NowAsync());
            await space.AdvanceClockAsync(now.AddDays(3));
            Assert.AreEqual(now.AddDays(3), await space.NowAsync());
            Contains("over", Thrown<LocmfaException>(() => space.AdvanceClockAsync(now)).Detail);
            await space.AutoClockAsync();
            Contains("<Code>2</Code>", await AskAsync(server, space, "anna"));
            await space.ResumeClockAsync();
        }
    }

    [Test]
    public async Task A_failed_expectation_tells_what_came_nearest()
    {
        using (var space = await server.CreateSpaceAsync())
        {
            await AskAsync(server, space, "busy");
            var expected = new LocmfaExpectation { Where = new { operation = "PfAuthUser*", call_result = 2 }, Exactly = 1 };
            var error = Thrown<LocmfaVerificationException>(() => space.VerifyAsync(expected));
            Contains("expected 2, was 101", error.Message);
            expected.Where = new { operation = "PfAuthUser*", call_result = 101 };
            await space.VerifyAsync(TimeSpan.FromSeconds(1), expected);
        }
    }

    [Test]
    public async Task A_refusal_has_detail_and_remedy()
    {
        using (var space = await server.CreateSpaceAsync())
        {
            var error = Thrown<LocmfaException>(() => space.CallsAsync(new { usrname = "anna" }));
            Assert.AreEqual("bad-parameter", error.Kind);
            Assert.AreEqual("Did you mean username?", error.Remedy);
            Assert.AreEqual("mistakes", Thrown<LocmfaException>(() => space.AddRuleAsync(new { outcome = "bussy" })).Kind);
        }
    }

    [Test]
    public async Task An_incident_begins_and_ends()
    {
        using (var space = await server.CreateSpaceAsync())
        {
            await space.StartIncidentAsync("service-restarted", TimeSpan.FromMinutes(5));
            var refused = Thrown<LocmfaException>(() => space.StartIncidentAsync("hangs"));
            Assert.AreEqual("refused", refused.Kind);
            Contains("service-restarted", refused.Detail);
            Assert.AreEqual("service-restarted", await space.StopIncidentAsync());
            Assert.IsNull(await space.StopIncidentAsync());
        }
    }

    [Test]
    public async Task Trust_is_in_the_authority_of_this_server_alone()
    {
        using (var other = await LocmfaServer.StartAsync())
        {
            Contains("secure", await CallAsync(server, server.DefaultSpace, "TestSecurity", ""));
            var crossed = Thrown<HttpRequestException>(() => CallAsync(other, server.DefaultSpace, "TestSecurity", ""));
            Assert.IsNotNull(crossed.InnerException);
            Assert.IsFalse(server.Trust.Trusts(other.Trust.Authority));
            var certificate = new X509Certificate2(Convert.FromBase64String(PemOf(server)));
            Assert.IsTrue(server.Trust.Trusts(certificate));
            Assert.IsFalse(other.Trust.Trusts(certificate));
        }
    }

    [Test]
    public async Task The_type_that_the_PowerShell_module_compiles_trusts_the_authority_alone()
    {
        if (IsMono)
        {
            // Its chains know no elliptic curves.
            return;
        }
        using (var other = await LocmfaServer.StartAsync())
        {
            foreach (var one in new[] { server, other })
            {
                var authority = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("n") + ".cer");
                File.WriteAllBytes(authority, one.Trust.Authority.RawData);
                using (var http = new HttpClient(Locmfa.PowerShell.Trust.CreateHandler(authority, null)))
                {
                    Func<Task> ask = () => http.GetAsync(server.ServiceUri);
                    if (one == server)
                    {
                        await ask();
                    }
                    else
                    {
                        Thrown<HttpRequestException>(ask);
                    }
                }
                File.Delete(authority);
            }
        }
    }

    // The certificate that a server shows, taken from the connection.
    private static string PemOf(LocmfaServer server)
    {
        using (var tcp = new TcpClient("127.0.0.1", server.ServiceUri.Port))
        using (var tls = new System.Net.Security.SslStream(tcp.GetStream(), false, (sender, certificate, chain, errors) => true))
        {
            tls.AuthenticateAsClient("localhost");
            return Convert.ToBase64String(tls.RemoteCertificate.GetRawCertData());
        }
    }

    [Test]
    public async Task A_log_that_is_longer_than_a_pipe_stops_nothing()
    {
        using (var mine = await LocmfaServer.StartAsync(new LocmfaOptions { Arguments = new[] { "--verbose" } }))
        using (var space = await mine.CreateSpaceAsync())
        using (var http = new HttpClient(mine.Trust.CreateHandler()))
        {
            for (var i = 0; i < 600; i++)
            {
                using (var answer = await http.GetAsync(space.ServiceUri))
                {
                    await answer.Content.ReadAsStringAsync();
                }
            }
            Contains("INFO", mine.Log);
        }
    }

    [Test]
    public async Task A_server_is_gone_after_its_end()
    {
        var mine = await LocmfaServer.StartAsync();
        var (id, service) = (mine.ProcessId, mine.ServiceUri);
        mine.Dispose();
        Assert.IsFalse(IsRunning(id));
        Assert.Catch<SocketException>(() => new TcpClient("127.0.0.1", service.Port).Dispose());
        mine.Dispose();
    }

    [Test]
    public void A_server_ends_with_a_test_that_is_killed()
    {
        // The same runtime as this one: Mono, or .NET, which is told its version.
        var orphan = Path.Combine(Path.GetDirectoryName(typeof(KitTests).Assembly.Location), "Orphan.exe");
        var arguments = IsMono ? orphan : $"exec --runtimeconfig {Path.ChangeExtension(orphan, ".runtimeconfig.json")} {orphan}";
        var start = new ProcessStartInfo(Process.GetCurrentProcess().MainModule.FileName, arguments) { UseShellExecute = false, RedirectStandardOutput = true };
        using (var parent = Process.Start(start))
        {
            var id = int.Parse(parent.StandardOutput.ReadLine());
            Assert.IsTrue(IsRunning(id));
            parent.Kill();
            parent.WaitForExit();
            var waited = Stopwatch.StartNew();
            while (IsRunning(id) && waited.Elapsed < TimeSpan.FromSeconds(20))
            {
                Thread.Sleep(20);
            }
            Assert.IsFalse(IsRunning(id), "the server went on");
        }
    }

    private static bool IsRunning(int id)
    {
        try
        {
            // A zombie has no program.
            return File.ReadAllText($"/proc/{id}/cmdline").Length > 0;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
