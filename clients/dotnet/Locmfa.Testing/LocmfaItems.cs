using System;
using System.Threading.Tasks;
using System.Xml.Linq;

namespace Locmfa.Testing
{
    /// <summary>A message that the service sent, or would have.</summary>
    public sealed class LocmfaMessage
    {
        internal LocmfaMessage(XElement item)
        {
            Seq = item.Text("seq");
            At = item.Moment("at");
            Medium = item.Text("medium");
            Username = item.Text("username");
            To = item.Text("to");
            Text = item.Text("text");
            Code = item.Text("code");
        }

        internal string Seq { get; }

        /// <summary>When it went out, by the clock of the space.</summary>
        public DateTimeOffset At { get; }

        /// <summary><c>text</c>, <c>app</c> or <c>mail</c>.</summary>
        public string Medium { get; }

        /// <summary>The user of the call.</summary>
        public string Username { get; }

        /// <summary>The number or mail address.</summary>
        public string To { get; }

        /// <summary>What it says.</summary>
        public string Text { get; }

        /// <summary>The code that the text holds; null where it holds none.</summary>
        public string Code { get; }
    }

    /// <summary>A call of the service.</summary>
    public sealed class LocmfaCall
    {
        internal LocmfaCall(XElement item)
        {
            At = item.Moment("at");
            Operation = item.Text("operation");
            Username = item.Text("username");
            Number = item.Text("number");
            Outcome = item.Text("outcome");
            CallResult = item.Number("call_result");
            Error = item.Number("error");
            Rule = item.Text("rule");
        }

        /// <summary>When it came, by the clock of the space.</summary>
        public DateTimeOffset At { get; }

        /// <summary>The operation; empty where the request named none.</summary>
        public string Operation { get; }

        /// <summary>The user, as the call has it.</summary>
        public string Username { get; }

        /// <summary>The number that came with the call, as it was written.</summary>
        public string Number { get; }

        /// <summary>How it ended, in short: <c>true</c>, <c>false 101 error 12</c>.</summary>
        public string Outcome { get; }

        /// <summary>The code of <c>callResult</c>.</summary>
        public int? CallResult { get; }

        /// <summary>The code of <c>error</c>.</summary>
        public int? Error { get; }

        /// <summary>The rule of the scenario that decided.</summary>
        public string Rule { get; }
    }

    /// <summary>A person who is being asked: a phone that rings, a text message that waits for its reply, the app.</summary>
    public sealed class LocmfaChallenge
    {
        private readonly LocmfaSpace space;

        internal LocmfaChallenge(LocmfaSpace space, XElement item)
        {
            this.space = space;
            Id = item.Text("id");
            State = item.Text("state");
            Channel = item.Text("channel");
            Username = item.Text("username");
            Phone = item.Text("phone");
            Code = item.Text("code");
        }

        /// <summary>Its number in the space.</summary>
        public string Id { get; }

        /// <summary><c>ringing</c>, <c>answered</c>, <c>waiting</c> or <c>deciding</c>, when it was asked for.</summary>
        public string State { get; }

        /// <summary><c>voice</c>, <c>text</c>, <c>app</c> or <c>oath</c>.</summary>
        public string Channel { get; }

        /// <summary>The user, as the call has it.</summary>
        public string Username { get; }

        /// <summary>The number that is called.</summary>
        public string Phone { get; }

        /// <summary>The code of the text message.</summary>
        public string Code { get; }

        /// <summary>Says yes: answers and presses <c>#</c>, replies with the code, or approves in the app; with the PIN where it is asked.</summary>
        /// <returns>The code of <c>callResult</c>.</returns>
        public Task<int?> ApproveAsync() => space.ActAsync(this, "approve");

        /// <summary>Says no: hangs up, replies with a wrong code, or denies in the app.</summary>
        /// <returns>The code of <c>callResult</c>.</returns>
        public Task<int?> DenyAsync() => space.ActAsync(this, "deny");

        /// <summary>Answers the call, and leaves it open.</summary>
        public Task<int?> AnswerAsync() => space.ActAsync(this, "answers");

        /// <summary>Presses keys of a call that is answered: digits, <c>*</c>, and <c>#</c>, which ends an entry.</summary>
        /// <returns>The code of <c>callResult</c>; null where the call goes on.</returns>
        public Task<int?> PressAsync(string keys) => space.ActAsync(this, new { presses = keys });
    }

    /// <summary>A user. Members that are null are the company's default.</summary>
    public sealed class LocmfaUser
    {
        /// <summary>The account. Letter case makes no difference.</summary>
        public string Username { get; set; }

        /// <summary>The number, such as <c>+1 425 555 0100</c>.</summary>
        public string Phone { get; set; }

        /// <summary><c>voiceCall</c>, <c>smsText</c>, <c>phoneApp</c> or <c>oathToken</c>.</summary>
        public string Mode { get; set; }

        /// <summary><c>standard</c>, <c>pin</c>, <c>returnPin</c> or <c>voiceprint</c>.</summary>
        public string PinMode { get; set; }

        /// <summary>The PIN. The API never shows it.</summary>
        public string Pin { get; set; }

        /// <summary>First name.</summary>
        public string FirstName { get; set; }

        /// <summary>Last name.</summary>
        public string LastName { get; set; }

        /// <summary>Mail address.</summary>
        public string EmailAddress { get; set; }

        /// <summary>Whether the user may be authenticated.</summary>
        public bool? Enabled { get; set; }
    }

    /// <summary>What should have happened. Members that are null do not count; without a count, once is enough.</summary>
    public sealed class LocmfaExpectation
    {
        /// <summary>What a failure calls it.</summary>
        public string Name { get; set; }

        /// <summary><c>call</c>, which is the default, <c>challenge</c>, <c>message</c>, <c>change</c> or <c>notice</c>.</summary>
        public string Kind { get; set; }

        /// <summary>Conditions by name: an object or a dictionary, such as <c>new { operation = "PfAuthUser*", call_result = 2 }</c>.</summary>
        public object Where { get; set; }

        /// <summary>How often.</summary>
        public int? Exactly { get; set; }

        /// <summary>How often at least.</summary>
        public int? AtLeast { get; set; }

        /// <summary>How often at most.</summary>
        public int? AtMost { get; set; }

        /// <summary>How far apart the first and the last may be.</summary>
        public TimeSpan? Within { get; set; }
    }
}
