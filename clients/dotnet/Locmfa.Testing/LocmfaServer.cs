using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Locmfa.Testing
{
    /// <summary>
    /// A server of its own for some tests: a process that ends with <see cref="Dispose"/>, and with this process however that
    /// ends.
    /// </summary>
    public sealed class LocmfaServer : IDisposable
    {
        private const int KeptLines = 200;
        private const int ShownLines = 12;
        private readonly LocmfaOptions options;
        private readonly Queue<string> lines = new Queue<string>();
        private readonly string folder = Path.Combine(Path.GetTempPath(), "locmfa-" + Guid.NewGuid().ToString("n"));
        private Process process;

        private LocmfaServer(LocmfaOptions options)
        {
            this.options = options;
        }

        /// <summary>The URL of the service in the space <c>default</c>: for <c>LOCMFASRV</c>.</summary>
        public Uri ServiceUri { get; private set; }

        /// <summary>The address of the admin API.</summary>
        public Uri AdminUri { get; private set; }

        /// <summary>Trust in the certificate of the service.</summary>
        public LocmfaTrust Trust { get; private set; }

        /// <summary>The space <c>default</c>, which every test of this server shares.</summary>
        public LocmfaSpace DefaultSpace { get; private set; }

        /// <summary>The seed of all that the server draws: with it as <see cref="LocmfaOptions.Seed"/>, a run repeats.</summary>
        public ulong Seed { get; private set; }

        /// <summary>The process.</summary>
        public int ProcessId => process.Id;

        /// <summary>The newest lines that the server logged.</summary>
        public string Log => Tail(KeptLines);

        internal AdminApi Api { get; private set; }

        /// <summary>Starts a server on a port of its own, and waits until it answers.</summary>
        /// <param name="scenarioFile">The file of the scenario; null: the built-in scenario.</param>
        /// <exception cref="LocmfaException">It did not start. The message has what the server said, such as each mistake of the scenario.</exception>
        public static Task<LocmfaServer> StartAsync(string scenarioFile = null)
        {
            return StartAsync(new LocmfaOptions { ScenarioFile = scenarioFile });
        }

        /// <summary>Starts a server, and waits until it answers.</summary>
        /// <exception cref="LocmfaException">It did not start. The message has what the server said, such as each mistake of the scenario.</exception>
        public static async Task<LocmfaServer> StartAsync(LocmfaOptions options)
        {
            var server = new LocmfaServer(options);
            try
            {
                await server.RunAsync().ConfigureAwait(false);
                return server;
            }
            catch
            {
                server.Dispose();
                throw;
            }
        }

        /// <summary>Makes a space: users, rules, clock and journal of its own.</summary>
        /// <param name="name">A text of up to 256 characters that names the test. The server makes the name of the space from it, one that no other space has. Null: a random name.</param>
        /// <param name="scenario">The text of a scenario, as YAML; null: as the server began.</param>
        /// <exception cref="LocmfaException">The name is too long, or the scenario has mistakes.</exception>
        public async Task<LocmfaSpace> CreateSpaceAsync(string name = null, string scenario = null)
        {
            var label = name ?? Guid.NewGuid().ToString("n");
            var made = (await Api.AskAsync(HttpMethod.Post, "spaces", new { label, scenario }).ConfigureAwait(false)).Item2;
            return new LocmfaSpace(this, made.Text("name"), made.Text("path"));
        }

        /// <summary>Ends the server in good order, or kills it where that takes too long.</summary>
        public void Dispose()
        {
            Api?.Dispose();
            if (process != null)
            {
                Stop();
                process.Dispose();
                process = null;
            }
            try
            {
                Directory.Delete(folder, true);
            }
            catch (IOException)
            {
                // A virus scanner may have a file open; the folder is among the temporary files.
            }
            catch (UnauthorizedAccessException)
            {
            }
        }

        internal LocmfaException NoAnswer(string asked, Exception error)
        {
            // The connection breaks a moment before the process is gone.
            if (process == null || process.WaitForExit(2000))
            {
                return Ended($"locmfa ended before it answered {asked}");
            }
            return new LocmfaException($"locmfa did not answer {asked}: {error.GetBaseException().Message}", "", Tail(ShownLines), "", error);
        }

        internal LocmfaTimeoutException NotInTime(string what)
        {
            return new LocmfaTimeoutException(what, Tail(ShownLines));
        }

        private async Task RunAsync()
        {
            var ready = Path.Combine(folder, "ready.json");
            Directory.CreateDirectory(folder);
            Start(Arguments(ready));
            var waited = Stopwatch.StartNew();
            while (!File.Exists(ready))
            {
                if (process.WaitForExit(0))
                {
                    throw Ended("locmfa did not start");
                }
                if (waited.Elapsed > options.StartTimeout)
                {
                    throw NotInTime($"locmfa (process {process.Id}) was not ready in {options.StartTimeout.TotalSeconds} s.");
                }
                await Task.Delay(20).ConfigureAwait(false);
            }
            var addresses = Json.Read(File.ReadAllText(ready));
            ServiceUri = new Uri(addresses.Text("service"));
            // Windows tries ::1 first for localhost, and the API may listen on 127.0.0.1 alone.
            AdminUri = new Uri(addresses.Text("admin").Replace("//localhost:", "//127.0.0.1:") + "/");
            Seed = ulong.Parse(addresses.Text("seed"), CultureInfo.InvariantCulture);
            var authority = addresses.Text("authority");
            var certificates = Path.Combine(folder, "certs");
            var own = Directory.Exists(certificates) ? Directory.GetFiles(certificates, "server*.pem").Where(it => !it.EndsWith("-key.pem", StringComparison.Ordinal)) : new string[0];
            Trust = new LocmfaTrust(authority == null ? null : new X509Certificate2(authority), own.Select(it => new X509Certificate2(it)));
            Api = new AdminApi(this, AdminUri);
            DefaultSpace = new LocmfaSpace(this, "default", "");
        }

        private IEnumerable<string> Arguments(string ready)
        {
            yield return "serve";
            if (options.Seed != null)
            {
                yield return "--seed";
                yield return options.Seed.Value.ToString(CultureInfo.InvariantCulture);
            }
            var scenario = options.ScenarioFile;
            if (options.ScenarioText != null)
            {
                scenario = Path.Combine(folder, "scenario.yaml");
                File.WriteAllText(scenario, options.ScenarioText);
            }
            if (scenario != null)
            {
                yield return Path.GetFullPath(scenario);
            }
            foreach (var argument in new[] { "--listen", "127.0.0.1:" + options.Port, "--admin", "127.0.0.1:0", "--certs", Path.Combine(folder, "certs"), "--ready-file", ready, "--exit-with-stdin" }.Concat(options.Arguments))
            {
                yield return argument;
            }
        }

        private void Start(IEnumerable<string> arguments)
        {
            var program = options.Program ?? Environment.GetEnvironmentVariable("LOCMFA_PROGRAM");
            program = string.IsNullOrEmpty(program) ? "locmfa" : program;
            var start = new ProcessStartInfo(program, string.Join(" ", arguments.Select(Quoted)))
            {
                UseShellExecute = false,
                CreateNoWindow = true,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardOutputEncoding = Encoding.UTF8,
                StandardErrorEncoding = Encoding.UTF8,
            };
            var started = new Process { StartInfo = start };
            started.OutputDataReceived += (sender, line) => Keep(line.Data);
            started.ErrorDataReceived += (sender, line) => Keep(line.Data);
            try
            {
                started.Start();
            }
            catch (Win32Exception error)
            {
                throw new LocmfaException($"There is no program {program} that can be started: {error.Message}.", "Set LocmfaOptions.Program, or the environment variable LOCMFA_PROGRAM, to its path.", "", "", error);
            }
            process = started;
            // A pipe that no program reads fills, and the server drops lines of its log.
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        /// <summary>Windows gives a program one line, from which it takes its arguments by the rules of C.</summary>
        private static string Quoted(string argument)
        {
            if (argument.Length > 0 && argument.All(it => !char.IsWhiteSpace(it) && it != '"'))
            {
                return argument;
            }
            var text = new StringBuilder("\"");
            var slashes = 0;
            foreach (var one in argument)
            {
                // Backslashes before a quote are doubled.
                text.Append('\\', one == '"' ? slashes + 1 : 0).Append(one);
                slashes = one == '\\' ? slashes + 1 : 0;
            }
            return text.Append('\\', slashes).Append('"').ToString();
        }

        private void Stop()
        {
            try
            {
                // Standard input that ends tells the server to stop.
                process.StandardInput.Close();
                if (!process.WaitForExit((int)options.StopTimeout.TotalMilliseconds))
                {
                    process.Kill();
                    process.WaitForExit();
                }
            }
            catch (InvalidOperationException)
            {
                // It has ended by itself.
            }
            catch (IOException)
            {
            }
        }

        private LocmfaException Ended(string what)
        {
            if (process == null)
            {
                return new LocmfaException(what + ": it was disposed of.");
            }
            // Waits for the rest of its output, too.
            process.WaitForExit();
            var log = Tail(ShownLines);
            var code = process.ExitCode;
            if (code == 2 && log.Contains("--exit-with-stdin"))
            {
                return new LocmfaException($"The program {process.StartInfo.FileName} is older than this kit: it does not know --exit-with-stdin.", "Install the version of locmfa that the kit came with, or a later one.", log);
            }
            var remedy = code == 1 ? "Mend the scenario; the log says where." : code == 2 ? "Mend LocmfaOptions.Arguments." : "";
            return new LocmfaException($"{what}: its exit code is {code}.", remedy, Tail(code == 1 ? KeptLines : ShownLines));
        }

        private void Keep(string line)
        {
            if (line == null)
            {
                return;
            }
            lock (lines)
            {
                lines.Enqueue(line);
                if (lines.Count > KeptLines)
                {
                    lines.Dequeue();
                }
            }
        }

        private string Tail(int count)
        {
            lock (lines)
            {
                return string.Join(Environment.NewLine, lines.Skip(Math.Max(0, lines.Count - count)));
            }
        }

    }
}
