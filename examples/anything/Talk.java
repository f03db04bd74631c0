import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;

/** Calls a server, is called by it, takes a subscription, gets an error. */
class Talk implements WebSocket.Listener {
    private final BlockingQueue<JsonObject> received = new LinkedBlockingQueue<>();
    private final StringBuilder text = new StringBuilder();
    private WebSocket socket;
    private int lastId;

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
        text.append(part); // a long message comes in parts
        if (last) {
            received.add(JsonParser.parseString(text.toString()).getAsJsonObject());
            text.setLength(0);
        }
        socket.request(1);
        return null;
    }

    private void send(Map<String, ?> members) {
        JsonObject message = new Gson().toJsonTree(members).getAsJsonObject();
        message.addProperty("jsonrpc", "2.0");
        socket.sendText(message.toString(), true).join();
    }

    /** Answers a request of the server. */
    private void serve(JsonElement id, String method, JsonElement params) {
        if (method.equals("shout")) {
            String text = params.getAsJsonArray().get(0).getAsString();
            System.out.println("the server calls shout: " + text);
            send(Map.of("id", id, "result", text.toUpperCase()));
        } else {
            send(Map.of("id", id, "error", Map.of("code", -32601, "message", "no such method")));
        }
    }

    /** Returns the next answer or notification; requests of the server are answered on the way. */
    private JsonObject receive() throws InterruptedException {
        while (true) {
            JsonObject message = received.take();
            if (!message.has("method") || !message.has("id")) return message;
            serve(message.get("id"), message.get("method").getAsString(), message.get("params"));
        }
    }

    private JsonObject call(String method, Object... params) throws InterruptedException {
        int id = ++lastId;
        send(Map.of("id", id, "method", method, "params", params));
        while (true) {
            JsonObject answer = receive(); // or an item of a subscription
            if (answer.has("id") && answer.get("id").getAsInt() == id) return answer;
        }
    }

    public static void main(String[] args) throws Exception {
        Talk server = new Talk();
        server.socket = HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(URI.create(args[0]), server).join();

        System.out.println("add: " + server.call("add", 1, 2).get("result"));
        String shouted = server.call("call_back", "shout", new String[] {"hi"}).get("result").getAsString();
        System.out.println("call_back: " + shouted);
        String subscription = server.call("ticks", 10, 100).get("result").getAsString();
        for (int n = 0; n < 3; n++) {
            System.out.println("tick " + server.receive().getAsJsonObject("params").get("result"));
        }
        server.call("unsubscribe_ticks", subscription);
        JsonObject error = server.call("fail", 7, "no").getAsJsonObject("error");
        System.out.println("error " + error.get("code") + ": " + error.get("message").getAsString());
        server.socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
    }
}
