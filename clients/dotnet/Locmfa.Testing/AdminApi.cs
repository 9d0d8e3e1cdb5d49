using System;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using System.Xml.Linq;

namespace Locmfa.Testing
{
    /// <summary>The admin API of one server.</summary>
    internal sealed class AdminApi : IDisposable
    {
        private readonly HttpClient http;
        private readonly LocmfaServer server;

        public AdminApi(LocmfaServer server, Uri address)
        {
            this.server = server;
            // The machine's proxy would be asked for 127.0.0.1 in some set-ups. .NET Framework opens two connections to a
            // host by default, which two waits hold.
            var handler = new HttpClientHandler { UseProxy = false, MaxConnectionsPerServer = 256 };
            http = new HttpClient(handler) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
        }

        /// <summary>A path with a query: the members of an object or dictionary that are not null.</summary>
        public static string Query(string path, object conditions)
        {
            var pairs = Json.Members(conditions).Select(it => Uri.EscapeDataString(it.Key) + "=" + Uri.EscapeDataString(Json.Word(it.Value)));
            return path + "?" + string.Join("&", pairs);
        }

        public Task<XElement> GetAsync(string path, CancellationToken cancel = default(CancellationToken))
        {
            return SendAsync(HttpMethod.Get, path, null, cancel);
        }

        public Task<XElement> PostAsync(string path, object body, CancellationToken cancel = default(CancellationToken))
        {
            return SendAsync(HttpMethod.Post, path, body, cancel);
        }

        /// <summary>Asks. A text is sent as YAML, any other body as JSON. Null where the answer has no body.</summary>
        /// <exception cref="LocmfaException">The server says no, or does not answer.</exception>
        public async Task<XElement> SendAsync(HttpMethod method, string path, object body, CancellationToken cancel = default(CancellationToken))
        {
            return (await AskAsync(method, path, body, cancel).ConfigureAwait(false)).body;
        }

        public async Task<(int status, XElement body)> AskAsync(HttpMethod method, string path, object body, CancellationToken cancel = default(CancellationToken))
        {
            using (var request = new HttpRequestMessage(method, path))
            {
                if (body != null)
                {
                    var isYaml = body is string;
                    request.Content = new StringContent(isYaml ? (string)body : Json.Write(body), Encoding.UTF8, isYaml ? "application/yaml" : "application/json");
                }
                int status;
                string text;
                try
                {
                    using (var response = await http.SendAsync(request, cancel).ConfigureAwait(false))
                    {
                        status = (int)response.StatusCode;
                        text = response.Content == null ? "" : Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync().ConfigureAwait(false));
                    }
                }
                catch (Exception error) when (!cancel.IsCancellationRequested)
                {
                    throw server.NoAnswer($"{method} {path}", error);
                }
                var answer = text.StartsWith("{", StringComparison.Ordinal) ? Json.Read(text) : null;
                if (status >= 400)
                {
                    throw Problem(status, answer, text);
                }
                return (status, answer);
            }
        }

        public void Dispose()
        {
            http.Dispose();
        }

        private static LocmfaException Problem(int status, XElement problem, string text)
        {
            if (problem == null)
            {
                return new LocmfaException($"locmfa answered {status}: {text}");
            }
            var kind = (problem.Text("type") ?? "").Split(':').Last();
            var detail = problem.Text("detail") ?? text;
            var remedy = problem.Text("remedy") ?? "";
            var mistakes = problem.Element("mistakes");
            if (mistakes != null)
            {
                remedy += string.Concat(mistakes.Elements().Select(it => Environment.NewLine + Mistake(it)));
            }
            if (kind == "verify-failed" || kind == "verify-unknown")
            {
                return new LocmfaVerificationException(detail, remedy, kind);
            }
            return new LocmfaException(detail, remedy, "", kind);
        }

        private static string Mistake(XElement it)
        {
            var help = it.Elements("help").Elements().Select(one => one.Value);
            return $"  line {it.Text("line")}: {it.Text("severity")} {it.Text("code")} {it.Text("message")}. {string.Join(" ", help)}".TrimEnd();
        }
    }
}
