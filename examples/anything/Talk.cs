// Calls a server, is called by it, takes a subscription, gets an error.
using System;
using System.IO;
using System.Net.WebSockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

static class Talk
{
    static readonly ClientWebSocket Socket = new ClientWebSocket();
    static int lastId;

    static void Main(string[] args) => Run(new Uri(args[0])).GetAwaiter().GetResult();

    static async Task Run(Uri server)
    {
        await Socket.ConnectAsync(server, CancellationToken.None);
        Console.WriteLine("add: " + (await Call("add", 1, 2))["result"]);
        Console.WriteLine("call_back: " + (await Call("call_back", "shout", new[] { "hi" }))["result"]);
        var subscription = (await Call("ticks", 10, 100))["result"];
        for (var n = 0; n < 3; n++)
        {
            Console.WriteLine("tick " + (await Receive())["params"]["result"]);
        }
        await Call("unsubscribe_ticks", subscription);
        var error = (await Call("fail", 7, "no"))["error"];
        Console.WriteLine($"error {error["code"]}: {error["message"]}");
        await Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
    }

    static async Task<JObject> Call(string method, params object[] parameters)
    {
        var id = ++lastId;
        await Send(new { jsonrpc = "2.0", id, method, @params = parameters });
        while (true)
        {
            var answer = await Receive(); // or an item of a subscription
            if (answer["id"] != null && (int)answer["id"] == id) return answer;
        }
    }

    // Returns the next answer or notification; requests of the server are answered on the way.
    static async Task<JObject> Receive()
    {
        while (true)
        {
            var message = JObject.Parse(await Read());
            JToken method = message["method"], id = message["id"];
            if (method == null || id == null) return message;
            if ((string)method == "shout")
            {
                var text = (string)message["params"][0];
                Console.WriteLine("the server calls shout: " + text);
                await Send(new { jsonrpc = "2.0", id, result = text.ToUpper() });
            }
            else
            {
                await Send(new { jsonrpc = "2.0", id, error = new { code = -32601, message = "no such method" } });
            }
        }
    }

    static Task Send(object message)
    {
        var bytes = new ArraySegment<byte>(Encoding.UTF8.GetBytes(JsonConvert.SerializeObject(message)));
        return Socket.SendAsync(bytes, WebSocketMessageType.Text, true, CancellationToken.None);
    }

    // A long message comes in parts.
    static async Task<string> Read()
    {
        var whole = new MemoryStream();
        var part = new ArraySegment<byte>(new byte[4096]);
        WebSocketReceiveResult received;
        do
        {
            received = await Socket.ReceiveAsync(part, CancellationToken.None);
            whole.Write(part.Array, 0, received.Count);
        } while (!received.EndOfMessage);
        return Encoding.UTF8.GetString(whole.ToArray());
    }
}
