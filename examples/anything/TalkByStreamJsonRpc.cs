// Calls a server, is called by it, takes a subscription, gets an error.
using System.Net.WebSockets;
using System.Threading.Channels;
using StreamJsonRpc;

var items = Channel.CreateUnbounded<long>();

using var socket = new ClientWebSocket();
await socket.ConnectAsync(new Uri(args[0]), CancellationToken.None);
using var rpc = new JsonRpc(new WebSocketMessageHandler(socket));
rpc.AddLocalRpcMethod("shout", new Func<string, string>(text =>
{
    Console.WriteLine($"the server calls shout: {text}");
    return text.ToUpper();
}));
rpc.AddLocalRpcMethod("ticks", new Action<string, long>((subscription, result) => items.Writer.TryWrite(result)));
rpc.StartListening();

Console.WriteLine($"add: {await rpc.InvokeAsync<long>("add", 1, 2)}");
Console.WriteLine($"call_back: {await rpc.InvokeAsync<string>("call_back", "shout", new[] { "hi" })}");
var ticks = await rpc.InvokeAsync<string>("ticks", 10, 100);
for (var n = 0; n < 3; n++)
{
    Console.WriteLine($"tick {await items.Reader.ReadAsync()}");
}
await rpc.InvokeAsync<bool>("unsubscribe_ticks", ticks);
try
{
    await rpc.InvokeAsync("fail", 7, "no");
}
catch (RemoteInvocationException error)
{
    Console.WriteLine($"error {error.ErrorCode}: {error.Message}");
}
