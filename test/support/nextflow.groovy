// A module of Nextflow (DSL 2) read as the Groovy it is: what a process of it would run, and the files that must be there then.
//
//     groovy nextflow.groovy MODULE PROCESS VALUES      VALUES: JSON, by the names of its inputs and `task`; JSON on stdout
import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import org.codehaus.groovy.control.CompilerConfiguration

/** `process NAME { ... }` is process(NAME({ ... })). */
abstract class NextflowModule extends Script {
    final Map<String, Closure> processes = [:]

    def methodMissing(String name, args) {
        if (args.length != 1 || !(args[0] instanceof Closure)) throw new MissingMethodException(name, getClass(), args)
        processes[name] = args[0]
    }

    void process(Closure body) {}
}

/** What the body of a process may say. Sections are labels, which Groovy passes over; `emit: name` is a bare word. */
class ProcessBody {
    final Map values
    final List<Map> outputs = []

    ProcessBody(Map values) { this.values = values }

    def propertyMissing(String name) {
        if (values.containsKey(name)) return values[name]
        if (name in ['catalogue', 'score', 'files']) return name
        throw new MissingPropertyException(name, ProcessBody)
    }

    void tag(text) { if (text.toString().isEmpty()) throw new IllegalArgumentException('an empty tag') }
    void label(String name) {}
    def val(value) { value }
    String path(pattern) { pattern.toString() }

    /** Inputs, and outputs, which have a name to be asked for. */
    void tuple(Object... parts) {
        def named = parts[0]
        if (named instanceof Map && named.emit) outputs << [emit: named.emit, paths: parts.drop(2)]
    }
}

def (module, name, values) = args
def config = new CompilerConfiguration(scriptBaseClass: NextflowModule.name)
def script = new GroovyShell(this.class.classLoader, new Binding(), config).parse(new File(module))
script.run()
def body = script.processes[name]
if (body == null) throw new IllegalArgumentException("no process $name")
def said = new ProcessBody(new JsonSlurper().parseText(values))
body.delegate = said
body.resolveStrategy = Closure.DELEGATE_ONLY
println JsonOutput.toJson([script: body().toString(), outputs: said.outputs])
