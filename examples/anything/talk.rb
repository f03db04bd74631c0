# Calls a server, is called by it, takes a subscription, gets an error.
require "eventmachine"
require "faye/websocket"
require "fiber"
require "json"

# A program that waits for messages by `Fiber.yield`.
class Peer
  METHODS = { # what the server may call
    "shout" => lambda do |text|
      puts "the server calls shout: #{text}"
      text.upcase
    end
  }.freeze

  def initialize(socket)
    @socket = socket
    @last_id = 0
  end

  # Returns the next answer or notification; requests of the server are answered on the way.
  def receive
    loop do
      message = Fiber.yield
      return message unless message.key?("method") && message.key?("id")

      write(id: message["id"], **serve(message["method"], message["params"]))
    end
  end

  def call(method, *params)
    id = @last_id += 1
    write(id: id, method: method, params: params)
    loop do
      answer = receive # or an item of a subscription
      return answer if answer["id"] == id
    end
  end

  private

  def write(**message)
    @socket.send(JSON.generate(jsonrpc: "2.0", **message))
  end

  def serve(method, params)
    handler = METHODS[method]
    handler ? { result: handler.call(*params) } : { error: { code: -32601, message: "no such method" } }
  end
end

EM.run do
  socket = Faye::WebSocket::Client.new(ARGV[0])
  server = Peer.new(socket)
  program = Fiber.new do
    puts "add: #{server.call('add', 1, 2)['result']}"
    puts "call_back: #{server.call('call_back', 'shout', ['hi'])['result']}"
    subscription = server.call("ticks", 10, 100)["result"]
    3.times { puts "tick #{server.receive['params']['result']}" }
    server.call("unsubscribe_ticks", subscription)
    error = server.call("fail", 7, "no")["error"]
    puts "error #{error['code']}: #{error['message']}"
    EM.stop
  end
  socket.on(:open) { program.resume }
  socket.on(:message) { |event| program.resume(JSON.parse(event.data)) if program.alive? }
  socket.on(:close) { |event| abort "closed: #{event.code} #{event.reason}" if program.alive? }
end
