using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using System.Xml.Linq;

namespace Locmfa.Testing
{
    /// <summary>A space: users, rules, clock and journal of its own, for one test. <see cref="Dispose"/> ends it.</summary>
    public sealed class LocmfaSpace : IDisposable
    {
        private static readonly TimeSpan DefaultWait = TimeSpan.FromSeconds(30);
        private readonly Dictionary<string, Inbox> inboxes = new Dictionary<string, Inbox>();
        private readonly HashSet<string> taken = new HashSet<string>();
        private readonly SemaphoreSlim turn = new SemaphoreSlim(1);
        private readonly LocmfaServer server;
        private readonly string path;

        internal LocmfaSpace(LocmfaServer server, string name, string path)
        {
            this.server = server;
            this.path = path.TrimStart('/');
            Name = name;
            ServiceUri = new Uri(server.ServiceUri, path + server.ServiceUri.AbsolutePath);
        }

        /// <summary>Its name on the server.</summary>
        public string Name { get; }

        /// <summary>The URL of the service in this space.</summary>
        public Uri ServiceUri { get; }

        /// <summary>Adds a user.</summary>
        public Task AddUserAsync(LocmfaUser user) => AddUserAsync((object)user);

        /// <summary>Adds a user, by the keys of a scenario: an object or a dictionary. Members that are null are left out.</summary>
        public Task AddUserAsync(object user) => server.Api.PostAsync(At("users"), user);

        /// <summary>Adds a rule before all others, by the keys of a scenario: <c>{when: {phone: "+1 425 555 0100"}, outcome: busy}</c>.</summary>
        /// <param name="rule">YAML as a text, an object or a dictionary.</param>
        /// <param name="times">How often it matches before it goes; null: for ever.</param>
        /// <param name="lasts">How long it stays; null: for ever.</param>
        public Task AddRuleAsync(object rule, int? times = null, TimeSpan? lasts = null)
        {
            return server.Api.PostAsync(AdminApi.Query(At("rules"), new { times, lasts }), rule);
        }

        /// <summary>Begins an incident: what goes wrong for a while. It ends by itself, and leaves nothing behind.</summary>
        /// <param name="name">Such as <c>service-restarted</c>.</param>
        /// <param name="lasts">How long it runs, by the clock of the space; null: 15 minutes.</param>
        /// <exception cref="LocmfaException">There is no such incident, or one runs already.</exception>
        public Task StartIncidentAsync(string name, TimeSpan? lasts = null)
        {
            return server.Api.PostAsync(AdminApi.Query(At("incidents/" + Uri.EscapeDataString(name)), new { lasts }), null);
        }

        /// <summary>Ends the incident that runs.</summary>
        /// <returns>Its name; null where none ran.</returns>
        public async Task<string> StopIncidentAsync()
        {
            return (await server.Api.SendAsync(HttpMethod.Delete, At("incidents"), null).ConfigureAwait(false)).Text("ended");
        }

        /// <summary>The next text message that no wait of this object has returned yet.</summary>
        /// <param name="to">Only to this number, in any spelling; null: to any.</param>
        /// <param name="timeout">How long to wait; null: 30 seconds.</param>
        /// <param name="cancel">Ends the wait.</param>
        /// <exception cref="LocmfaTimeoutException">None came in time.</exception>
        public async Task<LocmfaMessage> WaitForTextAsync(string to = null, TimeSpan? timeout = null, CancellationToken cancel = default(CancellationToken))
        {
            var wait = timeout ?? DefaultWait;
            var waited = Stopwatch.StartNew();
            // One wait after the other, so that two never take the same message.
            await turn.WaitAsync(cancel).ConfigureAwait(false);
            try
            {
                Inbox inbox;
                if (!inboxes.TryGetValue(to ?? "", out inbox))
                {
                    inbox = inboxes[to ?? ""] = new Inbox();
                }
                while (true)
                {
                    while (inbox.Messages.Count > 0)
                    {
                        var message = inbox.Messages.Dequeue();
                        // A wait for another spelling of the number may have taken it.
                        if (taken.Add(message.Seq))
                        {
                            return message;
                        }
                    }
                    var left = wait - waited.Elapsed;
                    var query = AdminApi.Query(At("messages"), new { medium = "text", to, after = inbox.Cursor, wait = left > TimeSpan.Zero ? left : TimeSpan.Zero });
                    var page = await server.Api.GetAsync(query, cancel).ConfigureAwait(false);
                    inbox.Cursor = page.Text("next");
                    foreach (var item in page.Element("items").Elements())
                    {
                        inbox.Messages.Enqueue(new LocmfaMessage(item));
                    }
                    if (inbox.Messages.Count == 0 && waited.Elapsed >= wait)
                    {
                        throw server.NotInTime($"No text message{(to == null ? "" : " to " + to)} went out in {wait.TotalSeconds} s.");
                    }
                }
            }
            finally
            {
                turn.Release();
            }
        }

        /// <summary>The person who is being asked now, or next.</summary>
        /// <param name="phone">Only at this number, in any spelling; null: at any.</param>
        /// <param name="timeout">How long to wait; null: 30 seconds.</param>
        /// <param name="cancel">Ends the wait.</param>
        /// <exception cref="LocmfaTimeoutException">No person was asked in time.</exception>
        /// <exception cref="LocmfaException">Several people are being asked.</exception>
        public async Task<LocmfaChallenge> RingingAsync(string phone = null, TimeSpan? timeout = null, CancellationToken cancel = default(CancellationToken))
        {
            var wait = timeout ?? DefaultWait;
            var query = AdminApi.Query(At("challenges"), new { phone, wait });
            var open = (await server.Api.GetAsync(query, cancel).ConfigureAwait(false)).Element("items").Elements().ToList();
            if (open.Count == 0)
            {
                throw server.NotInTime($"No person{(phone == null ? "" : " at " + phone)} was asked in {wait.TotalSeconds} s.");
            }
            if (open.Count > 1)
            {
                throw new LocmfaException($"{open.Count} people are being asked: {string.Join(", ", open.Select(it => it.Text("username") + " at " + it.Text("phone")))}.", "Say which, by the number.");
            }
            return new LocmfaChallenge(this, open[0]);
        }

        /// <summary>Acts as the person who is asked.</summary>
        /// <param name="challenge">Who.</param>
        /// <param name="acts">Acts as in a rule's <c>person</c>: <c>"answers"</c>, <c>new { enters = "pin" }</c>.</param>
        /// <returns>The code of <c>callResult</c>; null where the challenge goes on.</returns>
        public async Task<int?> ActAsync(LocmfaChallenge challenge, params object[] acts)
        {
            var done = await server.Api.PostAsync(At($"challenges/{challenge.Id}/act"), new { act = acts }).ConfigureAwait(false);
            return done.Number("call_result");
        }

        /// <summary>Lets the clock stand still, but where a test moves it.</summary>
        public Task FreezeClockAsync() => SetClockAsync(new { pace = "frozen" });

        /// <summary>Lets the clock go as in the world.</summary>
        public Task ResumeClockAsync() => SetClockAsync(new { pace = "real" });

        /// <summary>Lets the clock jump to the next thing that an open call waits for, so that no call takes time.</summary>
        public Task AutoClockAsync() => SetClockAsync(new { pace = "auto" });

        /// <summary>Moves the clock on. All that is due until then happens.</summary>
        public Task AdvanceClockAsync(TimeSpan by) => server.Api.PostAsync(At("clock/advance"), new { by });

        /// <summary>Moves the clock on to a moment that is still to come.</summary>
        public Task AdvanceClockAsync(DateTimeOffset to) => server.Api.PostAsync(At("clock/advance"), new { to });

        /// <summary>What time it is in the space.</summary>
        public async Task<DateTimeOffset> NowAsync() => (await server.Api.GetAsync(At("clock")).ConfigureAwait(false)).Moment("now");

        /// <summary>The calls so far, the oldest first: the newest hundred.</summary>
        /// <param name="where">Conditions by name, such as <c>new { operation = "PfAuthUser*" }</c>; null: all.</param>
        public async Task<IReadOnlyList<LocmfaCall>> CallsAsync(object where = null)
        {
            var query = AdminApi.Query(At("calls"), where ?? new { });
            var page = await server.Api.GetAsync(query).ConfigureAwait(false);
            return page.Element("items").Elements().Select(it => new LocmfaCall(it)).ToList();
        }

        /// <summary>Verifies what happened.</summary>
        /// <exception cref="LocmfaVerificationException">It is not so; the message says what came nearest.</exception>
        public Task VerifyAsync(params LocmfaExpectation[] expectations) => VerifyAsync(new { expect = expectations });

        /// <summary>Verifies what happened, each after the one before it.</summary>
        /// <exception cref="LocmfaVerificationException">It is not so; the message says what came nearest.</exception>
        public Task VerifyInOrderAsync(params LocmfaExpectation[] expectations) => VerifyAsync(new { in_order = true, expect = expectations });

        /// <summary>Verifies what happens, and waits until it is so.</summary>
        /// <exception cref="LocmfaVerificationException">It is not so in time; the message says what came nearest.</exception>
        public Task VerifyAsync(TimeSpan wait, params LocmfaExpectation[] expectations) => VerifyAsync(new { wait, expect = expectations });

        /// <summary>Verifies what happened, as <c>POST /verify</c> takes it: an object or a dictionary.</summary>
        /// <exception cref="LocmfaVerificationException">It is not so; the message says what came nearest.</exception>
        public Task VerifyAsync(object expectations) => server.Api.PostAsync(At("verify"), expectations);

        /// <summary>Ends the space. Calls that wait in it end.</summary>
        public void Dispose()
        {
            if (path.Length > 0)
            {
                try
                {
                    server.Api.SendAsync(HttpMethod.Delete, "spaces/" + Name, null).GetAwaiter().GetResult();
                }
                catch (LocmfaException)
                {
                    // It is gone, or the server is. What a test found is not hidden by that.
                }
            }
        }

        private Task SetClockAsync(object body) => server.Api.SendAsync(HttpMethod.Put, At("clock"), body);

        private string At(string what) => path.Length == 0 ? what : path + "/" + what;

        /// <summary>The messages of one query that no wait has looked at.</summary>
        private sealed class Inbox
        {
            public readonly Queue<LocmfaMessage> Messages = new Queue<LocmfaMessage>();
            public string Cursor;
        }
    }
}
