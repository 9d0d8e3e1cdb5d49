// Runs the tests of a class where NUnit's own runner does not: on .NET. Runner.exe ASSEMBLY CLASS
using System;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;

internal static class Runner
{
    private static void Main(string[] arguments)
    {
        var type = Assembly.LoadFrom(arguments[0]).GetType(arguments[1], true);
        var fixture = Activator.CreateInstance(type);
        Run(fixture, "TestFixtureSetUpAttribute", method => method.Invoke(fixture, null));
        Run(fixture, "TestAttribute", method => Tell(method, fixture));
        Run(fixture, "TestFixtureTearDownAttribute", method => method.Invoke(fixture, null));
    }

    private static void Run(object fixture, string attribute, Action<MethodInfo> run)
    {
        var methods = fixture.GetType().GetMethods().Where(it => it.GetCustomAttributes(true).Any(one => one.GetType().Name == attribute));
        foreach (var method in methods.OrderBy(it => it.Name))
        {
            run(method);
        }
    }

    private static void Tell(MethodInfo method, object fixture)
    {
        var name = method.Name.Replace('_', ' ');
        try
        {
            (method.Invoke(fixture, null) as Task)?.GetAwaiter().GetResult();
            Console.WriteLine("ok      " + name);
        }
        catch (Exception error)
        {
            Console.WriteLine("FAILED  " + name + Environment.NewLine + "        " + (error as TargetInvocationException ?? error).GetBaseException());
        }
    }
}
