<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="es" sourcelanguage="en">
  <context>
    <name>tsmu</name>
    <message>
      <source>{path}: tsmu does not run ({reason}); press Set up tsmu in Plugins &gt; tsmu &gt; Settings, or mend it</source>
      <translation>{path}: tsmu no funciona ({reason}); pulse Instalar tsmu en Complementos &gt; tsmu &gt; Configuración, o repárelo</translation>
    </message>
    <message>
      <source>{path}: tsmu {version} is too old for this plugin, which needs {minimum}; press Set up tsmu in Plugins &gt; tsmu &gt; Settings, or update it with pip</source>
      <translation>{path}: tsmu {version} es demasiado antiguo para este complemento, que necesita {minimum}; pulse Instalar tsmu en Complementos &gt; tsmu &gt; Configuración, o actualícelo con pip</translation>
    </message>
    <message>
      <source>tsmu is not installed: open Plugins &gt; tsmu &gt; Settings, and press Set up tsmu or point to yours</source>
      <translation>tsmu no está instalado: abra Complementos &gt; tsmu &gt; Configuración y pulse Instalar tsmu, o indique el suyo</translation>
    </message>
    <message>
      <source>it says nothing</source>
      <translation>no dice nada</translation>
    </message>
    <message>
      <source>{path}: no such program; choose another in Plugins &gt; tsmu &gt; Settings, or set it up there</source>
      <translation>{path}: no existe ese programa; elija otro en Complementos &gt; tsmu &gt; Configuración, o instálelo allí</translation>
    </message>
    <message>
      <source>cancelled; the same algorithm goes on where it stopped</source>
      <translation>cancelado; el mismo algoritmo continúa donde se detuvo</translation>
    </message>
    <message>
      <source>tsmu ended unexpectedly with {code}: {last}; all it said is in {log}</source>
      <translation>tsmu terminó de forma inesperada con {code}: {last}; todo lo que dijo está en {log}</translation>
    </message>
    <message>
      <source>done, but {count} left out: {where}</source>
      <translation>hecho, pero quedaron fuera {count}: {where}</translation>
    </message>
    <message>
      <source>... and {count} more</source>
      <translation>... y {count} más</translation>
    </message>
    <message>
      <source>row {row}</source>
      <translation>fila {row}</translation>
    </message>
    <message>
      <source>column {column}</source>
      <translation>columna {column}</translation>
    </message>
    <message>
      <source>Workspace</source>
      <translation>Espacio de trabajo</translation>
    </message>
    <message>
      <source>Review landslides</source>
      <translation>Revisar deslizamientos</translation>
    </message>
    <message>
      <source>Open a workspace ...</source>
      <translation>Abrir un espacio de trabajo ...</translation>
    </message>
    <message>
      <source>Make a project of a workspace ...</source>
      <translation>Crear un proyecto de un espacio de trabajo ...</translation>
    </message>
    <message>
      <source>Settings ...</source>
      <translation>Configuración ...</translation>
    </message>
    <message>
      <source>{path}: written</source>
      <translation>{path}: escrito</translation>
    </message>
    <message>
      <source>{folder}: no workspace of tsmu; choose one, or make it with Make a workspace</source>
      <translation>{folder}: no es un espacio de trabajo de tsmu; elija uno, o créelo con Crear un espacio de trabajo</translation>
    </message>
    <message>
      <source>Report (JSON)</source>
      <translation>Informe (JSON)</translation>
    </message>
    <message>
      <source>Add the results to the map</source>
      <translation>Añadir los resultados al mapa</translation>
    </message>
    <message>
      <source>not given</source>
      <translation>falta</translation>
    </message>
    <message>
      <source>not allowed: {value}</source>
      <translation>no se admite: {value}</translation>
    </message>
    <message>
      <source>Workspace (folder)</source>
      <translation>Espacio de trabajo (carpeta)</translation>
    </message>
    <message>
      <source>Done</source>
      <translation>Hechos</translation>
    </message>
    <message>
      <source>Left out</source>
      <translation>Dejados fuera</translation>
    </message>
    <message>
      <source>1 Workspace and training data</source>
      <translation>1 Espacio de trabajo y datos de entrenamiento</translation>
    </message>
    <message>
      <source>Make a workspace</source>
      <translation>Crear un espacio de trabajo</translation>
    </message>
    <message>
      <source>Makes a folder a workspace, in which everything else works: image pairs, labels, the model, maps and the landslide database. A folder that already is one stays as it is.</source>
      <translation>Convierte una carpeta en un espacio de trabajo, en el que funciona todo lo demás: pares de imágenes, etiquetas, el modelo, los mapas y la base de datos de deslizamientos. Una carpeta que ya lo es queda como está.</translation>
    </message>
    <message>
      <source>Use a layer as the region map</source>
      <translation>Usar una capa como mapa de regiones</translation>
    </message>
    <message>
      <source>Makes a polygon layer the ecoregion map of the workspace: it says in which region images, events and scenes lie, and so which decoder maps them.</source>
      <translation>Convierte una capa de polígonos en el mapa de ecorregiones del espacio de trabajo: dice en qué región están las imágenes, los eventos y las escenas, y por tanto qué decodificador las cartografía.</translation>
    </message>
    <message>
      <source>Import an inventory as events</source>
      <translation>Importar un inventario como eventos</translation>
    </message>
    <message>
      <source>Takes a landslide inventory (points, polygons or a table) into the events of the workspace. Reading a file again replaces what it gave. Columns are recognised by their names and values.</source>
      <translation>Incorpora un inventario de deslizamientos (puntos, polígonos o una tabla) a los eventos del espacio de trabajo. Leer de nuevo un archivo sustituye lo que dio. Las columnas se reconocen por sus nombres y valores.</translation>
    </message>
    <message>
      <source>Import image pairs</source>
      <translation>Importar pares de imágenes</translation>
    </message>
    <message>
      <source>Takes images before and after: GeoTIFFs matched by name, Google Earth screenshots, or a table that lists them. They are checked and brought onto one grid; nothing is copied.</source>
      <translation>Toma imágenes de antes y después: GeoTIFF emparejados por nombre, capturas de Google Earth o una tabla que las enumera. Se comprueban y se llevan a una misma malla; no se copia nada.</translation>
    </message>
    <message>
      <source>Import labels from files</source>
      <translation>Importar etiquetas de archivos</translation>
    </message>
    <message>
      <source>Takes labels of the imported pairs (labelme JSON, files of polygons, mask rasters) and writes one mask per pair, on the grid of its post image.</source>
      <translation>Toma etiquetas de los pares importados (JSON de labelme, archivos de polígonos, rásteres de máscaras) y escribe una máscara por par, en la malla de su imagen posterior.</translation>
    </message>
    <message>
      <source>Mapped area (where you looked)</source>
      <translation>Área cartografiada (donde usted miró)</translation>
    </message>
    <message>
      <source>Make training polygons from a layer</source>
      <translation>Crear polígonos de entrenamiento de una capa</translation>
    </message>
    <message>
      <source>Makes labels of the polygons that you drew in QGIS: each imported image pair that they touch, or that the mapped area touches, gets a mask on the grid of its post image.</source>
      <translation>Crea etiquetas a partir de los polígonos que usted dibujó en QGIS: cada par de imágenes importado que toquen ellos, o el área cartografiada, recibe una máscara en la malla de su imagen posterior.</translation>
    </message>
    <message>
      <source>Labels to chips</source>
      <translation>De etiquetas a recortes</translation>
    </message>
    <message>
      <source>Makes labels of the polygons that you drew in QGIS, and cuts all labelled pairs into chips: the training set, ready for an update. Chips have 512 pixels a side; Build chips has more settings.</source>
      <translation>Crea etiquetas a partir de los polígonos que usted dibujó en QGIS y corta todos los pares etiquetados en recortes: el conjunto de entrenamiento, listo para una actualización. Los recortes tienen 512 píxeles de lado; Crear recortes tiene más ajustes.</translation>
    </message>
    <message>
      <source>Import ready-made chips</source>
      <translation>Importar recortes ya hechos</translation>
    </message>
    <message>
      <source>Takes a folder of image chips and masks, matched by file name; nothing is copied.</source>
      <translation>Toma una carpeta de recortes de imágenes y máscaras, emparejados por nombre de archivo; no se copia nada.</translation>
    </message>
    <message>
      <source>Build chips</source>
      <translation>Crear recortes</translation>
    </message>
    <message>
      <source>Cuts the labelled pairs into chips and splits them into training, validation and test without leaks: chips of different splits lie apart.</source>
      <translation>Corta los pares etiquetados en recortes y los divide en entrenamiento, validación y prueba sin fugas: los recortes de divisiones distintas están separados.</translation>
    </message>
    <message>
      <source>Elevations (metres)</source>
      <translation>Elevaciones (metros)</translation>
    </message>
    <message>
      <source>Terrain bands</source>
      <translation>Bandas del terreno</translation>
    </message>
    <message>
      <source>Classes, as NAME=VALUE,...</source>
      <translation>Clases, como NOMBRE=VALOR,...</translation>
    </message>
    <message>
      <source>Ground inside it without a polygon is background; ground outside is unknown and teaches nothing. Without it, all ground of the images on which you drew counts as looked at.</source>
      <translation>El terreno dentro de ella sin polígono es fondo; el de fuera es desconocido y no enseña nada. Sin ella, todo el terreno de las imágenes en las que dibujó cuenta como mirado.</translation>
    </message>
    <message>
      <source>Polygons that you drew</source>
      <translation>Polígonos que usted dibujó</translation>
    </message>
    <message>
      <source>Field with the class</source>
      <translation>Campo con la clase</translation>
    </message>
    <message>
      <source>Folder</source>
      <translation>Carpeta</translation>
    </message>
    <message>
      <source>Regions</source>
      <translation>Regiones</translation>
    </message>
    <message>
      <source>Field with the region's name</source>
      <translation>Campo con el nombre de la región</translation>
    </message>
    <message>
      <source>Inventory</source>
      <translation>Inventario</translation>
    </message>
    <message>
      <source>Whose inventory it is</source>
      <translation>De quién es el inventario</translation>
    </message>
    <message>
      <source>Columns, as ROLE=COLUMN,...</source>
      <translation>Columnas, como PAPEL=COLUMNA,...</translation>
    </message>
    <message>
      <source>Events</source>
      <translation>Eventos</translation>
    </message>
    <message>
      <source>Folder of images</source>
      <translation>Carpeta de imágenes</translation>
    </message>
    <message>
      <source>or a table that lists them</source>
      <translation>o una tabla que las enumera</translation>
    </message>
    <message>
      <source>Region</source>
      <translation>Región</translation>
    </message>
    <message>
      <source>Apply repairs of footprints that are unambiguous</source>
      <translation>Aplicar las reparaciones inequívocas de las huellas</translation>
    </message>
    <message>
      <source>Move pre images that lie off</source>
      <translation>Mover las imágenes previas que están desplazadas</translation>
    </message>
    <message>
      <source>Give the images terrain bands. A model that learns them needs elevations to map.</source>
      <translation>Da a las imágenes bandas del terreno. Un modelo que las aprende necesita elevaciones para cartografiar.</translation>
    </message>
    <message>
      <source>Folder of labels</source>
      <translation>Carpeta de etiquetas</translation>
    </message>
    <message>
      <source>or one file</source>
      <translation>o un archivo</translation>
    </message>
    <message>
      <source>Field with the class, in files of polygons</source>
      <translation>Campo con la clase, en archivos de polígonos</translation>
    </message>
    <message>
      <source>Labels</source>
      <translation>Etiquetas</translation>
    </message>
    <message>
      <source>1 landslide, 0 background, 255 unknown, such as: slide=1,road=0,cloud=255. Without them every class is landslide, save those named unknown and background.</source>
      <translation>1 deslizamiento, 0 fondo, 255 desconocido, por ejemplo: slide=1,road=0,cloud=255. Sin ellas, toda clase es deslizamiento, salvo las llamadas unknown y background.</translation>
    </message>
    <message>
      <source>Without it every polygon is a landslide.</source>
      <translation>Sin él, cada polígono es un deslizamiento.</translation>
    </message>
    <message>
      <source>Chips</source>
      <translation>Recortes</translation>
    </message>
    <message>
      <source>Side of a chip (pixels)</source>
      <translation>Lado de un recorte (píxeles)</translation>
    </message>
    <message>
      <source>From one chip to the next (pixels)</source>
      <translation>De un recorte al siguiente (píxeles)</translation>
    </message>
    <message>
      <source>Chips without landslides per chip with one</source>
      <translation>Recortes sin deslizamientos por cada uno con ellos</translation>
    </message>
    <message>
      <source>Distance between splits (metres)</source>
      <translation>Distancia entre divisiones (metros)</translation>
    </message>
    <message>
      <source>A layer, or a file: CSV, XLSX, GeoPackage, shapefile, KML, or a zip of them.</source>
      <translation>Una capa, o un archivo: CSV, XLSX, GeoPackage, shapefile, KML, o un zip de ellos.</translation>
    </message>
    <message>
      <source>Where the guess is wrong, such as: date=When,latitude=Y</source>
      <translation>Donde la suposición es incorrecta, por ejemplo: date=Cuando,latitude=Y</translation>
    </message>
    <message>
      <source>Tables (*.csv *.xlsx)</source>
      <translation>Tablas (*.csv *.xlsx)</translation>
    </message>
    <message>
      <source>By default it is found in the region map.</source>
      <translation>Por defecto se busca en el mapa de regiones.</translation>
    </message>
    <message>
      <source>Holds images/, masks/ and, for pairs, pre/.</source>
      <translation>Contiene images/, masks/ y, para pares, pre/.</translation>
    </message>
    <message>
      <source>recognise it</source>
      <translation>reconocerlo</translation>
    </message>
    <message>
      <source>any other</source>
      <translation>cualquier otro</translation>
    </message>
    <message>
      <source>4 Landslide database</source>
      <translation>4 Base de datos de deslizamientos</translation>
    </message>
    <message>
      <source>Import landslides into the database</source>
      <translation>Importar deslizamientos a la base de datos</translation>
    </message>
    <message>
      <source>Takes a file into the landslide database. Landslides that tsmu exported come as they are; polygons of another inventory become observations and candidates, points become events. The same file again changes nothing.</source>
      <translation>Incorpora un archivo a la base de datos de deslizamientos. Los que exportó tsmu entran como son; los polígonos de otro inventario se vuelven observaciones y candidatos, los puntos se vuelven eventos. El mismo archivo otra vez no cambia nada.</translation>
    </message>
    <message>
      <source>Merge observations of the same landslide</source>
      <translation>Unir observaciones del mismo deslizamiento</translation>
    </message>
    <message>
      <source>Makes one landslide of what overlapping scenes, dates, runs and inventories saw of it. What a person decided is only proposed to. Again, it changes nothing; it can be undone.</source>
      <translation>Hace un solo deslizamiento de lo que vieron de él escenas solapadas, fechas, ejecuciones e inventarios. A lo que decidió una persona solo se le propone. De nuevo, no cambia nada; se puede deshacer.</translation>
    </message>
    <message>
      <source>Export landslides</source>
      <translation>Exportar deslizamientos</translation>
    </message>
    <message>
      <source>Writes landslides into a new file. A GeoPackage is a database of its own, with all that belongs to them; a STAC file holds scenes and runs.</source>
      <translation>Escribe deslizamientos en un archivo nuevo. Un GeoPackage es una base de datos propia, con todo lo que les pertenece; un archivo STAC contiene escenas y ejecuciones.</translation>
    </message>
    <message>
      <source>Density of landslides</source>
      <translation>Densidad de deslizamientos</translation>
    </message>
    <message>
      <source>Maps landslides per square kilometre and their share of the ground, in cells of equal area; a picture lies beside the file. Cells that nobody looked at have no value.</source>
      <translation>Cartografía los deslizamientos por kilómetro cuadrado y su parte del terreno, en celdas de igual área; junto al archivo queda una imagen. Las celdas que nadie miró no tienen valor.</translation>
    </message>
    <message>
      <source>Compare two inventories</source>
      <translation>Comparar dos inventarios</translation>
    </message>
    <message>
      <source>Measures one inventory against another of the same place: matched, missed and extra landslides, how well outlines fit, and how areas are distributed. The landslides of a database stand for the database.</source>
      <translation>Mide un inventario con otro del mismo lugar: deslizamientos coincidentes, omitidos y sobrantes, cuánto se ajustan los contornos y cómo se distribuyen las áreas. Los deslizamientos de una base de datos representan a la base de datos.</translation>
    </message>
    <message>
      <source>Status, as A,B,...</source>
      <translation>Estado, como A,B,...</translation>
    </message>
    <message>
      <source>Extent</source>
      <translation>Extensión</translation>
    </message>
    <message>
      <source>Happened on</source>
      <translation>Ocurridos en</translation>
    </message>
    <message>
      <source>Smallest area (m2)</source>
      <translation>Área mínima (m2)</translation>
    </message>
    <message>
      <source>Condition in CQL2</source>
      <translation>Condición en CQL2</translation>
    </message>
    <message>
      <source>candidate, confirmed, rejected, merged; by default all but merged.</source>
      <translation>candidate, confirmed, rejected, merged; por defecto todos menos merged.</translation>
    </message>
    <message>
      <source>Who drew its polygons</source>
      <translation>Quién dibujó sus polígonos</translation>
    </message>
    <message>
      <source>Mapped area (where its author looked)</source>
      <translation>Área cartografiada (donde miró su autor)</translation>
    </message>
    <message>
      <source>Landslides</source>
      <translation>Deslizamientos</translation>
    </message>
    <message>
      <source>How far from an outline an event counts (metres)</source>
      <translation>A qué distancia de un contorno cuenta un evento (metros)</translation>
    </message>
    <message>
      <source>Undo the last merging instead</source>
      <translation>Deshacer en su lugar la última unión</translation>
    </message>
    <message>
      <source>Who asks for it</source>
      <translation>Quién lo pide</translation>
    </message>
    <message>
      <source>New file</source>
      <translation>Archivo nuevo</translation>
    </message>
    <message>
      <source>Exported landslides</source>
      <translation>Deslizamientos exportados</translation>
    </message>
    <message>
      <source>Side of a cell (metres)</source>
      <translation>Lado de una celda (metros)</translation>
    </message>
    <message>
      <source>Hexagons instead of squares (GeoPackage)</source>
      <translation>Hexágonos en lugar de cuadrados (GeoPackage)</translation>
    </message>
    <message>
      <source>Area that was looked at</source>
      <translation>Área que se miró</translation>
    </message>
    <message>
      <source>Title of the picture</source>
      <translation>Título de la imagen</translation>
    </message>
    <message>
      <source>Landslides per km2</source>
      <translation>Deslizamientos por km2</translation>
    </message>
    <message>
      <source>Picture</source>
      <translation>Imagen</translation>
    </message>
    <message>
      <source>Inventory to measure against</source>
      <translation>Inventario con el que se mide</translation>
    </message>
    <message>
      <source>Inventory to be measured</source>
      <translation>Inventario que se mide</translation>
    </message>
    <message>
      <source>Plots</source>
      <translation>Gráficos</translation>
    </message>
    <message>
      <source>Matched</source>
      <translation>Coincidentes</translation>
    </message>
    <message>
      <source>Missed</source>
      <translation>Omitidos</translation>
    </message>
    <message>
      <source>Extra</source>
      <translation>Sobrantes</translation>
    </message>
    <message>
      <source>Instead of the mapped areas in the database.</source>
      <translation>En lugar de las áreas cartografiadas de la base de datos.</translation>
    </message>
    <message>
      <source>3 Maps</source>
      <translation>3 Mapas</translation>
    </message>
    <message>
      <source>Map a scene</source>
      <translation>Cartografiar una escena</translation>
    </message>
    <message>
      <source>Maps landslides in a raster, or in one before and one after an event: a raster of probabilities, and candidates in the landslide database, to be reviewed. By change needs no model, but both images.</source>
      <translation>Cartografía los deslizamientos de un ráster, o de uno de antes y otro de después de un evento: un ráster de probabilidades, y candidatos en la base de datos para ser revisados. Por cambio no hace falta un modelo, pero sí ambas imágenes.</translation>
    </message>
    <message>
      <source>Respond to an event</source>
      <translation>Responder a un evento</translation>
    </message>
    <message>
      <source>From an event's place and day to images before and after it (of any STAC catalogue), a first map, and a situation report to print, with layers. The same again, with later imagery, says what is new.</source>
      <translation>Del lugar y el día de un evento a imágenes de antes y después (de cualquier catálogo STAC), un primer mapa y un informe de situación para imprimir, con capas. Lo mismo otra vez, con imágenes posteriores, dice qué hay de nuevo.</translation>
    </message>
    <message>
      <source>Region whose decoder maps</source>
      <translation>Región cuyo decodificador cartografía</translation>
    </message>
    <message>
      <source>Threshold (percent)</source>
      <translation>Umbral (por ciento)</translation>
    </message>
    <message>
      <source>By default the region map says which.</source>
      <translation>Por defecto lo dice el mapa de regiones.</translation>
    </message>
    <message>
      <source>By default the region's own.</source>
      <translation>Por defecto el de la región.</translation>
    </message>
    <message>
      <source>Raster after the event</source>
      <translation>Ráster posterior al evento</translation>
    </message>
    <message>
      <source>Raster before it</source>
      <translation>Ráster anterior</translation>
    </message>
    <message>
      <source>Map by</source>
      <translation>Cartografiar por</translation>
    </message>
    <message>
      <source>Name of the scene</source>
      <translation>Nombre de la escena</translation>
    </message>
    <message>
      <source>Day of the raster before</source>
      <translation>Día del ráster anterior</translation>
    </message>
    <message>
      <source>Day of the raster after</source>
      <translation>Día del ráster posterior</translation>
    </message>
    <message>
      <source>Leave out smaller landslides (m2)</source>
      <translation>Dejar fuera los deslizamientos menores (m2)</translation>
    </message>
    <message>
      <source>Leave out landslides of a smaller mean (percent)</source>
      <translation>Dejar fuera los deslizamientos de menor media (por ciento)</translation>
    </message>
    <message>
      <source>Map only inside these polygons</source>
      <translation>Cartografiar solo dentro de estos polígonos</translation>
    </message>
    <message>
      <source>Clouds or water to leave out</source>
      <translation>Nubes o agua que se dejan fuera</translation>
    </message>
    <message>
      <source>Leave out ground flatter than (degrees)</source>
      <translation>Dejar fuera el terreno más llano que (grados)</translation>
    </message>
    <message>
      <source>Simplify outlines by (pixels)</source>
      <translation>Simplificar los contornos en (píxeles)</translation>
    </message>
    <message>
      <source>Multiply the values by</source>
      <translation>Multiplicar los valores por</translation>
    </message>
    <message>
      <source>Map whatever the pixel size</source>
      <translation>Cartografiar sea cual sea el tamaño del píxel</translation>
    </message>
    <message>
      <source>Mean of eight views, and their deviation (slower)</source>
      <translation>Media de ocho vistas y su desviación (más lento)</translation>
    </message>
    <message>
      <source>What computes the network</source>
      <translation>Qué calcula la red</translation>
    </message>
    <message>
      <source>What it computes in</source>
      <translation>En qué calcula</translation>
    </message>
    <message>
      <source>Compute anew what is finished</source>
      <translation>Calcular de nuevo lo terminado</translation>
    </message>
    <message>
      <source>Landslide probability (percent)</source>
      <translation>Probabilidad de deslizamiento (por ciento)</translation>
    </message>
    <message>
      <source>Deviation of the views (percent)</source>
      <translation>Desviación de las vistas (por ciento)</translation>
    </message>
    <message>
      <source>Polygons (GeoParquet)</source>
      <translation>Polígonos (GeoParquet)</translation>
    </message>
    <message>
      <source>Area</source>
      <translation>Área</translation>
    </message>
    <message>
      <source>Day of the event</source>
      <translation>Día del evento</translation>
    </message>
    <message>
      <source>STAC catalogue (address)</source>
      <translation>Catálogo STAC (dirección)</translation>
    </message>
    <message>
      <source>Collection</source>
      <translation>Colección</translation>
    </message>
    <message>
      <source>Name of the event</source>
      <translation>Nombre del evento</translation>
    </message>
    <message>
      <source>Districts to count by</source>
      <translation>Distritos por los que se cuenta</translation>
    </message>
    <message>
      <source>Field with the district's name</source>
      <translation>Campo con el nombre del distrito</translation>
    </message>
    <message>
      <source>Which pixels are clouded, as ASSET:VALUES, or none</source>
      <translation>Qué píxeles están nublados, como RECURSO:VALORES, o none</translation>
    </message>
    <message>
      <source>Pixel size (metres)</source>
      <translation>Tamaño del píxel (metros)</translation>
    </message>
    <message>
      <source>Days before the event for scenes</source>
      <translation>Días antes del evento para las escenas</translation>
    </message>
    <message>
      <source>Days after the event for scenes</source>
      <translation>Días después del evento para las escenas</translation>
    </message>
    <message>
      <source>Most cloud of a scene (percent)</source>
      <translation>Nubosidad máxima de una escena (por ciento)</translation>
    </message>
    <message>
      <source>Situation report</source>
      <translation>Informe de situación</translation>
    </message>
    <message>
      <source>Layers of the report</source>
      <translation>Capas del informe</translation>
    </message>
    <message>
      <source>STAC catalogue of the report</source>
      <translation>Catálogo STAC del informe</translation>
    </message>
    <message>
      <source>the model's decoder</source>
      <translation>el decodificador del modelo</translation>
    </message>
    <message>
      <source>change between the two images</source>
      <translation>el cambio entre las dos imágenes</translation>
    </message>
    <message>
      <source>the decoder if it fits, else change</source>
      <translation>el decodificador si sirve, si no el cambio</translation>
    </message>
    <message>
      <source>both</source>
      <translation>ambos</translation>
    </message>
    <message>
      <source>2 Model</source>
      <translation>2 Modelo</translation>
    </message>
    <message>
      <source>Update the model with a region</source>
      <translation>Actualizar el modelo con una región</translation>
    </message>
    <message>
      <source>Learns a region and writes the next version of the model; what was learned before is kept. It takes minutes to hours; cancelled, the same algorithm goes on where it stopped.</source>
      <translation>Aprende una región y escribe la siguiente versión del modelo; lo aprendido antes se conserva. Tarda de minutos a horas; si se cancela, el mismo algoritmo continúa donde se detuvo.</translation>
    </message>
    <message>
      <source>Evaluate the model</source>
      <translation>Evaluar el modelo</translation>
    </message>
    <message>
      <source>Scores every version on every region's test chips: what was learned, and what was forgotten.</source>
      <translation>Puntúa cada versión en los recortes de prueba de cada región: qué se aprendió y qué se olvidó.</translation>
    </message>
    <message>
      <source>Optimisation steps, or auto</source>
      <translation>Pasos de optimización, o auto</translation>
    </message>
    <message>
      <source>Chips per step</source>
      <translation>Recortes por paso</translation>
    </message>
    <message>
      <source>Strategy</source>
      <translation>Estrategia</translation>
    </message>
    <message>
      <source>Seed</source>
      <translation>Semilla</translation>
    </message>
    <message>
      <source>Encoder of the first version</source>
      <translation>Codificador de la primera versión</translation>
    </message>
    <message>
      <source>Weights that it starts from</source>
      <translation>Pesos de los que parte</translation>
    </message>
    <message>
      <source>Copy the validation chips into the workspace</source>
      <translation>Copiar los recortes de validación al espacio de trabajo</translation>
    </message>
    <message>
      <source>Only say what it would take</source>
      <translation>Solo decir qué costaría</translation>
    </message>
    <message>
      <source>Version of the model</source>
      <translation>Versión del modelo</translation>
    </message>
    <message>
      <source>Folder for the report</source>
      <translation>Carpeta para el informe</translation>
    </message>
    <message>
      <source>Report</source>
      <translation>Informe</translation>
    </message>
    <message>
      <source>Figures (JSON)</source>
      <translation>Cifras (JSON)</translation>
    </message>
    <message>
      <source>auto goes on as long as the validation chips are served better.</source>
      <translation>auto continúa mientras los recortes de validación mejoren.</translation>
    </message>
    <message>
      <source>auto, none, a name or a file; auto needs no download.</source>
      <translation>auto, none, un nombre o un archivo; auto no descarga nada.</translation>
    </message>
    <message>
      <source>as in tsmu.toml</source>
      <translation>como en tsmu.toml</translation>
    </message>
    <message>
      <source>{layer}: read as a copy, as it is now: {path}</source>
      <translation>{layer}: se leyó una copia, tal como está ahora: {path}</translation>
    </message>
    <message>
      <source>{layer}: comes from {provider}, which gives pictures and no values; choose a raster file</source>
      <translation>{layer}: viene de {provider}, que da imágenes y no valores; elija un archivo ráster</translation>
    </message>
    <message>
      <source>{value}: no such layer; choose another</source>
      <translation>{value}: no existe esa capa; elija otra</translation>
    </message>
    <message>
      <source>or an extent</source>
      <translation>o una extensión</translation>
    </message>
    <message>
      <source>{what}: first day</source>
      <translation>{what}: primer día</translation>
    </message>
    <message>
      <source>{what}: last day</source>
      <translation>{what}: último día</translation>
    </message>
    <message>
      <source>the review server does not answer ({reason})</source>
      <translation>el servidor de revisión no responde ({reason})</translation>
    </message>
    <message>
      <source>tsmu review</source>
      <translation>tsmu: revisión</translation>
    </message>
    <message>
      <source>The review server starts ...</source>
      <translation>El servidor de revisión arranca ...</translation>
    </message>
    <message>
      <source>Comment saved</source>
      <translation>Comentario guardado</translation>
    </message>
    <message>
      <source>Outline saved as a new version</source>
      <translation>Contorno guardado como versión nueva</translation>
    </message>
    <message>
      <source>Move the vertices, then press Save outline; E again gives it up</source>
      <translation>Mueva los vértices y pulse Guardar contorno; E otra vez lo abandona</translation>
    </message>
    <message>
      <source>Undone: {action}</source>
      <translation>Deshecho: {action}</translation>
    </message>
    <message>
      <source>Nothing to undo</source>
      <translation>No hay nada que deshacer</translation>
    </message>
    <message>
      <source>Nothing else is left in this direction</source>
      <translation>No queda nada más en esta dirección</translation>
    </message>
    <message>
      <source>tsmu review: images</source>
      <translation>tsmu revisión: imágenes</translation>
    </message>
    <message>
      <source>before</source>
      <translation>antes</translation>
    </message>
    <message>
      <source>after</source>
      <translation>después</translation>
    </message>
    <message>
      <source>Accept</source>
      <translation>Aceptar</translation>
    </message>
    <message>
      <source>Reject</source>
      <translation>Rechazar</translation>
    </message>
    <message>
      <source>Unsure</source>
      <translation>Dudoso</translation>
    </message>
    <message>
      <source>Bad imagery</source>
      <translation>Mala imagen</translation>
    </message>
    <message>
      <source>Previous</source>
      <translation>Anterior</translation>
    </message>
    <message>
      <source>Next</source>
      <translation>Siguiente</translation>
    </message>
    <message>
      <source>Before / after</source>
      <translation>Antes / después</translation>
    </message>
    <message>
      <source>Zoom to it</source>
      <translation>Acercarse a él</translation>
    </message>
    <message>
      <source>Comment</source>
      <translation>Comentario</translation>
    </message>
    <message>
      <source>Edit outline</source>
      <translation>Editar el contorno</translation>
    </message>
    <message>
      <source>Undo</source>
      <translation>Deshacer</translation>
    </message>
    <message>
      <source>tsmu review: outline</source>
      <translation>tsmu revisión: contorno</translation>
    </message>
    <message>
      <source>Start reviewing</source>
      <translation>Empezar a revisar</translation>
    </message>
    <message>
      <source>Your name</source>
      <translation>Su nombre</translation>
    </message>
    <message>
      <source>Queue</source>
      <translation>Cola</translation>
    </message>
    <message>
      <source>First comes</source>
      <translation>Primero viene</translation>
    </message>
    <message>
      <source>%v of %m decided</source>
      <translation>%v de %m decididos</translation>
    </message>
    <message>
      <source>Reason, or a comment: Return saves it</source>
      <translation>Motivo, o un comentario: Intro lo guarda</translation>
    </message>
    <message>
      <source>Save outline</source>
      <translation>Guardar contorno</translation>
    </message>
    <message>
      <source>Flip: {side} (F)</source>
      <translation>Alternar: {side} (F)</translation>
    </message>
    <message>
      <source>the nearest</source>
      <translation>el más cercano</translation>
    </message>
    <message>
      <source>the least certain</source>
      <translation>el menos seguro</translation>
    </message>
    <message>
      <source>the largest</source>
      <translation>el mayor</translation>
    </message>
    <message>
      <source>the latest</source>
      <translation>el más reciente</translation>
    </message>
    <message>
      <source>not decided</source>
      <translation>sin decidir</translation>
    </message>
    <message>
      <source>unsure</source>
      <translation>dudosos</translation>
    </message>
    <message>
      <source>bad imagery</source>
      <translation>mala imagen</translation>
    </message>
    <message>
      <source>End reviewing</source>
      <translation>Terminar de revisar</translation>
    </message>
    <message>
      <source>All is decided: nothing is left in the queue.</source>
      <translation>Todo está decidido: no queda nada en la cola.</translation>
    </message>
    <message>
      <source>Give up editing</source>
      <translation>Abandonar la edición</translation>
    </message>
    <message>
      <source>Not made: {by} has changed it meanwhile to {status} (version {version}); it is shown as it is now: decide again</source>
      <translation>No se hizo: {by} lo ha cambiado entretanto a {status} (versión {version}); se muestra como está ahora: decida de nuevo</translation>
    </message>
    <message>
      <source>a run</source>
      <translation>una ejecución</translation>
    </message>
    <message>
      <source>version {version}, by {author}</source>
      <translation>versión {version}, de {author}</translation>
    </message>
    <message>
      <source>mean {mean:.0f} %</source>
      <translation>media {mean:.0f} %</translation>
    </message>
    <message>
      <source>deviation {deviation:.0f} %</source>
      <translation>desviación {deviation:.0f} %</translation>
    </message>
    <message>
      <source>no region</source>
      <translation>sin región</translation>
    </message>
    <message>
      <source>tsmu: settings</source>
      <translation>tsmu: configuración</translation>
    </message>
    <message>
      <source>The program tsmu</source>
      <translation>El programa tsmu</translation>
    </message>
    <message>
      <source>found by itself</source>
      <translation>se encuentra solo</translation>
    </message>
    <message>
      <source>Set up tsmu</source>
      <translation>Instalar tsmu</translation>
    </message>
    <message>
      <source>Program tsmu (empty: found by itself)</source>
      <translation>Programa tsmu (vacío: se encuentra solo)</translation>
    </message>
    <message>
      <source>Package to install</source>
      <translation>Paquete que se instala</translation>
    </message>
    <message>
      <source>Python that makes the environment</source>
      <translation>Python que crea el entorno</translation>
    </message>
    <message>
      <source>Cancel</source>
      <translation>Cancelar</translation>
    </message>
    <message>
      <source>tsmu {version} is ready: {path}</source>
      <translation>tsmu {version} está listo: {path}</translation>
    </message>
    <message>
      <source>no Python {wanted} or newer: install it from python.org, or name it above</source>
      <translation>no hay Python {wanted} o posterior: instálelo de python.org, o indíquelo arriba</translation>
    </message>
    <message>
      <source>cancelled; nothing was changed</source>
      <translation>cancelado; no se cambió nada</translation>
    </message>
    <message>
      <source>{words}: {last}; check the connection and the name of the package, or set tsmu up by hand</source>
      <translation>{words}: {last}; compruebe la conexión y el nombre del paquete, o instale tsmu a mano</translation>
    </message>
    <message>
      <source>tsmu: {name}</source>
      <translation>tsmu: {name}</translation>
    </message>
    <message>
      <source>{scene}: probability</source>
      <translation>{scene}: probabilidad</translation>
    </message>
    <message>
      <source>Observations</source>
      <translation>Observaciones</translation>
    </message>
    <message>
      <source>Mapped areas</source>
      <translation>Áreas cartografiadas</translation>
    </message>
    <message>
      <source>Scenes</source>
      <translation>Escenas</translation>
    </message>
    <message>
      <source>Reviews</source>
      <translation>Revisiones</translation>
    </message>
    <message>
      <source>{path}: exists already; open it, or give it another name first</source>
      <translation>{path}: ya existe; ábralo, o póngale antes otro nombre</translation>
    </message>
    <message>
      <source>{path}: cannot be written ({reason})</source>
      <translation>{path}: no se puede escribir ({reason})</translation>
    </message>
  </context>
</TS>
