using System;

namespace Locmfa.Testing
{
    /// <summary>How a server is started.</summary>
    public sealed class LocmfaOptions
    {
        /// <summary>The program; without it, what the environment variable <c>LOCMFA_PROGRAM</c> names, else <c>locmfa</c> on the path.</summary>
        public string Program { get; set; }

        /// <summary>The file of the scenario. Without it and <see cref="ScenarioText"/>, the built-in scenario is served.</summary>
        public string ScenarioFile { get; set; }

        /// <summary>The text of the scenario, as YAML.</summary>
        public string ScenarioText { get; set; }

        /// <summary>The port of the service; 0 lets the system choose one, so that servers run side by side.</summary>
        public int Port { get; set; }

        /// <summary>Fixes what the server draws, so that a run repeats; null: the scenario's seed, or one that is drawn.</summary>
        public ulong? Seed { get; set; }

        /// <summary>Further arguments of <c>locmfa serve</c>.</summary>
        public string[] Arguments { get; set; } = new string[0];

        /// <summary>How long the server may take until it is ready.</summary>
        public TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(30);

        /// <summary>How long the server may take to end. Then it is killed.</summary>
        public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(10);
    }
}
